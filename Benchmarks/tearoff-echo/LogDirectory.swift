import Foundation
import NIOPosix
import TearoffLog
import TearoffStorage

/// The log of an echo server: segments like those of `tearoffd`, which nobody will ever read.
struct LogDirectory: Sendable {
    private let directory: DataDirectory
    private let supply: SegmentSupply
    private let background: NIOThreadPool
    private let timeMilliseconds: UInt64

    /// Makes the directory where there is none, and removes what an earlier echo server left in it.
    ///
    /// - Throws: ``NotOurs``, and what the directory and its storage throw.
    init(path: String, flushDelayMicroseconds: UInt32) throws {
        timeMilliseconds = UInt64(Date().timeIntervalSince1970 * 1_000)
        directory = try DataDirectory.open(
            path: path, expectData: false, shardCount: 16,
            newID: DirectoryID(bytes: (0..<DirectoryID.byteCount).map { _ in UInt8.random(in: 0...255) }),
            timeMilliseconds: timeMilliseconds)
        // A tearoffd notes that it has begun; an echo server never does.
        if directory.identity.hasBegun { throw NotOurs(path: path) }
        var settings = LogStorageSettings()
        settings.flushDelayMicroseconds = flushDelayMicroseconds
        let storage = try directory.makeLogStorage(settings)
        for segment in try storage.list().segments { try storage.remove(segment.id) }
        let background = NIOThreadPool(numberOfThreads: 1)
        background.start()
        self.background = background
        supply = SegmentSupply(storage: storage, directoryID: directory.identity.id) { body in
            background.submit { state in if case .active = state { body() } }
        }
    }

    /// The lane of one loop. To be called on that loop.
    func makeLog(loop index: Int) throws(LogFailure) -> LoopLog {
        try LoopLog(
            lane: LaneID(rawValue: UInt16(index)), supply: supply, segment: .first,
            timeMilliseconds: timeMilliseconds)
    }

    func close() async throws { try await background.shutdownGracefully() }

    /// The directory holds a server's data.
    struct NotOurs: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path) holds the data of a tearoffd; name an empty or a new directory" }
    }
}
