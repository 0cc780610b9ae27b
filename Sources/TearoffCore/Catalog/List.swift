/// A named supply of codes.
package struct List: Sendable {
    package enum Kind: Hashable, Sendable {
        /// Each code once.
        case unique
        /// One code, given up to `limit` times.
        case fixed(code: [UInt8], limit: UInt32)
    }

    package let id: ListID
    package internal(set) var name: String
    package internal(set) var kind: Kind
    package let createdAt: Timestamp
    /// The last millisecond at which the list gives codes; nil when it never expires.
    package internal(set) var expiresAt: Timestamp?
    /// The last expiry that passed before a new one was set: what `until-expiry` counts from.
    package internal(set) var lapsedAt: Timestamp?
    /// A warning goes out when this many codes are left.
    package internal(set) var warnAt: UInt64?
    package internal(set) var settings = ListSettings()
    /// When its codes left the memory; nil while they are there.
    package internal(set) var archivedAt: Timestamp?
    /// When it went, and what it came to; nil while it is there.
    package internal(set) var deletion: Deletion?
    package internal(set) var warnings = ListWarnings()
    /// In the order in which they were added.
    package internal(set) var recipients: [Recipient] = []
    package internal(set) var uploads: [UploadReceipt]
    /// All codes, in the order they go out.
    package internal(set) var pool: Pool
    /// How many changes want that nobody is given a new code of it meanwhile. Not part of the state.
    var freezes = 0

    package var isFrozen: Bool { freezes > 0 }

    package struct Deletion: Hashable, Sendable {
        package let at: Timestamp
        package let ledger: Ledger
    }

    package var isArchived: Bool { archivedAt != nil }
    package var isDeleted: Bool { deletion != nil }
    /// Whether the text of its codes is in its blobs alone.
    var isAway: Bool { isArchived || isDeleted }

    /// The last millisecond at which anything of it may be given; nil: for ever.
    var givesUntil: Timestamp? { isAway ? .zero : expiresAt }

    package func isExpired(at now: Timestamp) -> Bool {
        Self.isExpired(expiresAt, at: now)
    }

    /// - Parameter expiresAt: see ``expiresAt``.
    static func isExpired(_ expiresAt: Timestamp?, at now: Timestamp) -> Bool {
        expiresAt.map { now > $0 } ?? false
    }

    /// All codes ever added: the left side of the ledger.
    package var uploadedCount: UInt64 { uploads.reduce(0) { $0 + $1.count } }

    package func recipient(_ address: String) -> Recipient? { recipients.first { $0.address == address } }

    /// Whether it ever had a code to give. An import brings none.
    package var hadSupply: Bool { uploads.contains { $0.count > 0 && !$0.isImport } }

    /// Those whose codes are given: neither withdrawn nor given elsewhere.
    package var activeUploads: [UploadReceipt] { uploads.filter { $0.withdrawnAt == nil && !$0.isImport } }

    /// Its uploads from that id on, which another list's may be, oldest first.
    ///
    /// - Parameter from: as a client sends it, so perhaps larger than any id.
    /// - Complexity: O(uploads before it), a comparison each.
    package func uploads(from: UInt64, count: Int) -> ArraySlice<UploadReceipt> {
        uploads.drop { UInt64($0.id.rawValue) < from }.prefix(count)
    }
}

/// What the catalog keeps of one upload beside its codes.
package struct UploadReceipt: Hashable, Sendable {
    package let id: UploadID
    /// The list's when it came: a fixed list's code and limit may change, and each is an upload of its own.
    let kind: List.Kind
    package let count: UInt64
    /// Hash of the file as it was sent: the same file again changes nothing. nil for a fixed list's own code.
    package let fileHash: ContentHash?
    /// The blob that holds the codes. nil for a fixed list's own code.
    package let blob: ContentHash?
    package let fileName: String
    /// nil for a fixed list's own code, and for uploads of before that was kept.
    package let report: UploadReport?
    /// See ``Upload/isImport``.
    package let isImport: Bool
    package let committedAt: Timestamp
    /// When the codes that were free were taken out of the list; nil when they were not.
    package internal(set) var withdrawnAt: Timestamp?
    /// The codes before this ordinal that nobody has are burned; 0: none are.
    package internal(set) var burnedBelow: Ordinal = 0
}
