package import TearoffCore
package import TearoffLog

/// Brings notices to recipients. Real: `CurlCourier`. Tests: one that keeps them.
package protocol Courier: Sendable {
    /// Why no e-mail can be sent; nil when it can.
    var mailProblem: String? { get }

    /// Tries once, on a thread of its own, for a bounded time.
    ///
    /// - Parameter done: called once, on some thread.
    func send(_ notice: Notice, to recipient: Recipient, done: @escaping @Sendable (CourierReceipt) -> Void)
}

/// What one try came to.
package enum CourierReceipt: Equatable, Sendable {
    case delivered
    /// May succeed another time. The text has no secret in it.
    case failed(String)
    /// The recipient wants no more of it.
    case gone(String)
}

/// What a recipient is told. Never a code, never a user.
package struct Notice: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case warning(FeedWarning)
        /// An operator wants to see whether it comes.
        case test
    }

    /// The same for each try, and no other notice's: who gets it twice can tell.
    package let id: String
    package let kind: Kind
    package let at: Timestamp
    /// As it is called now.
    package let list: String
    package let free: UInt64
    package let uploaded: UInt64
    package let expiresAt: Timestamp?

    package init(
        id: String, kind: Kind, at: Timestamp, list: String, free: UInt64, uploaded: UInt64, expiresAt: Timestamp?
    ) {
        self.id = id
        self.kind = kind
        self.at = at
        self.list = list
        self.free = free
        self.uploaded = uploaded
        self.expiresAt = expiresAt
    }
}

extension Notice {
    init(_ delivery: Delivery, of list: List, directory: DirectoryID) {
        let free =
            switch delivery.warning {
            case .low(let remaining), .share(let remaining, _), .forecast(let remaining, _): remaining
            case .empty: UInt64(0)
            case .expiring, .expired: list.pool.totalFree
            }
        self.init(
            id: Self.id(directory, "\(delivery.sequence.rawValue)", delivery.address),
            kind: .warning(delivery.warning), at: delivery.at, list: list.name, free: free,
            uploaded: list.uploadedCount, expiresAt: list.expiresAt)
    }

    init(testOf list: List, for address: String, at now: Timestamp, directory: DirectoryID) {
        self.init(
            id: Self.id(directory, "test-\(now.milliseconds)", address), kind: .test, at: now, list: list.name,
            free: list.pool.totalFree, uploaded: list.uploadedCount, expiresAt: list.expiresAt)
    }

    private static func id(_ directory: DirectoryID, _ cause: String, _ address: String) -> String {
        let recipient = CRC32C.checksum(Array(address.utf8).span)
        return "\(directory)-\(cause)-\(Hex.encode(UInt64(recipient)).suffix(8))"
    }
}
