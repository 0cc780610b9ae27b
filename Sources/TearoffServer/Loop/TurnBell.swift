import Glibc
import NIOCore
import NIOPosix

/// A pipe that a loop writes to and reads by itself: what is rung is heard when the loop has looked at its sockets, and not
/// before. A task or a timer could come sooner: SwiftNIO does all that is due before it looks, and on a slow machine there is
/// always something due. It ends with its loop.
struct TurnBell {
    private let channel: any Channel

    /// - Parameter heard: called on the loop, once for each time that it was rung or several.
    static func hang(on eventLoop: any EventLoop, heard: @escaping @Sendable () -> Void) async throws -> TurnBell {
        var ends: [CInt] = [-1, -1]
        // SAFETY: the array has room for the two descriptors.
        guard unsafe pipe(&ends) == 0 else { throw IOError(errnoCode: errno, reason: "a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let channel = try await SignalHandler.bootstrap(on: eventLoop, heard)
            .takingOwnershipOfDescriptors(input: ends[0], output: ends[1]).get()
        return TurnBell(channel: channel)
    }

    func ring() { channel.writeAndFlush(ByteBuffer(integer: UInt8(1)), promise: nil) }
}
