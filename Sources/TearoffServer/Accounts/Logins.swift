import Logging
import NIOCore
import NIOPosix
import Synchronization
import TearoffAccounts
import TearoffCore

/// All attempts to log in: their passwords, and how long failures are held back. Used from every loop.
final class Logins: Sendable {
    let passwords: PasswordDesk
    private let threads: NIOThreadPool
    private let logger: Logger
    private let state = Mutex(FailureDelays())
    private let failureCount = Atomic<UInt64>(0)

    /// - Parameter costExponent: for tests; nil: the standard.
    init(costExponent: UInt8?, logger: Logger) {
        let threads = NIOThreadPool(numberOfThreads: PasswordDesk.threadCount)
        threads.start()
        self.threads = threads
        self.logger = logger
        let hasher = costExponent.map { PasswordHasher(costExponent: $0, blockSize: 8, parallelism: 1) }
        // Behind the loops: strangers have passwords hashed, too.
        passwords = PasswordDesk(hasher: hasher ?? .standard) { body in LoopGroup.run(body, on: threads) }
    }

    /// Attempts that failed since the start.
    var failures: UInt64 { failureCount.load(ordering: .relaxed) }

    /// - Returns: nil when too many attempts from there are open.
    func begin(from address: AddressKey) -> FailureDelays.Attempt? {
        state.withLock { $0.begin(address, now: Self.now) }
    }

    /// - Parameter address: as log lines show it.
    /// - Returns: how long the reply is to be held back, and then what ``end(_:)`` is to be told.
    func fail(_ attempt: FailureDelays.Attempt, from address: String) -> (TimeAmount, FailureDelays.Attempt) {
        failureCount.add(1, ordering: .relaxed)
        var attempt = attempt
        let (milliseconds, failures) = state.withLock { $0.fail(&attempt, now: Self.now) }
        // Not the name that was said: people type their password there.
        if Self.isLogged(failures) {
            logger.warning("login.failed", metadata: ["address": "\(address)", "failures": "\(failures)"])
        }
        return (.milliseconds(Int64(milliseconds)), attempt)
    }

    func end(_ attempt: FailureDelays.Attempt) { state.withLock { $0.end(attempt) } }

    /// 1, 10, 100 …: a line a failure would let anybody fill the log.
    private static func isLogged(_ failures: Int) -> Bool {
        var rest = failures
        while rest >= 10, rest % 10 == 0 { rest /= 10 }
        return rest == 1
    }

    /// Milliseconds of a clock that never goes back.
    static var now: UInt64 { NIODeadline.now().uptimeNanoseconds / 1_000_000 }
}

extension AddressKey {
    init(_ address: SocketAddress?) {
        // SAFETY: the bytes are copied before the calls return. Behind family and port stands the address of IPv4, and
        // behind four bytes more that of IPv6 (`sockaddr_in`, `sockaddr_in6`).
        switch address {
        case .v4(let address):
            self = unsafe withUnsafeBytes(of: address.address) { unsafe Self(packed: Array($0[4..<8])) }
        case .v6(let address):
            self = unsafe withUnsafeBytes(of: address.address) { unsafe Self(packed: Array($0[8..<24])) }
        case .unixDomainSocket, nil: self = .none
        }
    }
}
