import Synchronization

/// A fixed-size run of the codes of one upload, with the lock-free position of the next one.
///
/// Beside the shards' mutexes, the cursors of strips are all that event loops share while they give codes.
/// Invariant: `cursor <= count` at every instant, and it never decreases.
package final class Strip: Sendable {
    /// Codes of a full strip. 4,096 owners fill 16 KiB, and a loop moves to the next strip every 4,096 codes.
    package static let capacity = 4_096

    package let upload: UploadID
    package let firstOrdinal: Ordinal
    package let count: Int
    private let text: StripText
    private let cursor: Atomic<UInt32>
    /// Made at the first claim, so that an unused code costs no owner's four bytes.
    private let owners = AtomicLazyReference<OwnerPage>()

    package init(upload: UploadID, firstOrdinal: Ordinal, count: Int, text: StripText) {
        precondition(count > 0 && count <= Self.capacity, "strip of \(count) codes")
        self.upload = upload
        self.firstOrdinal = firstOrdinal
        self.count = count
        self.text = text
        cursor = Atomic(0)
    }

    func assigned(to upload: UploadID) -> Strip {
        precondition(unclaimedCount == count, "a strip whose codes are claimed keeps its upload")
        return Strip(upload: upload, firstOrdinal: firstOrdinal, count: count, text: text)
    }

    /// Claims the next code of this strip for the caller alone.
    ///
    /// Compare-exchange, not an add: an add past the end would have to be given back, and between the two
    /// another claimer would see a strip that looks empty.
    /// - Returns: the position in the strip, or nil when all are claimed.
    package func claim() -> Int? {
        // Relaxed: the number alone is shared. Its codes were published with the strip itself.
        var seen = cursor.load(ordering: .relaxed)
        while seen < UInt32(count) {
            let (won, current) = cursor.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .relaxed)
            if won { return Int(seen) }
            seen = current
        }
        return nil
    }

    /// Codes that no claim has passed yet.
    package var unclaimedCount: Int { count - Int(cursor.load(ordering: .relaxed)) }

    package func withCode<Result>(at position: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        precondition(position >= 0 && position < count, "position \(position) in a strip of \(count)")
        return text.withCode(at: position, body)
    }

    /// Bytes that the text of the codes takes in memory.
    package var textByteCount: Int { text.byteCount }
}

// MARK: - Owners

extension Strip {
    /// Remembers who got the code. One writer per position: the shard that claimed it.
    ///
    /// - Returns: false when the code already has an owner, which must never happen: it was given twice.
    package func setOwner(_ owner: CodeOwner, at position: Int) -> Bool {
        let page = owners.load() ?? owners.storeIfNil(OwnerPage())
        return page.set(owner, at: position)
    }

    package func owner(at position: Int) -> CodeOwner? {
        owners.load()?.owner(at: position)
    }

    /// Moves the cursor past the last code that has an owner. Recovery only, before any claim.
    ///
    /// - Returns: the positions before it that have none: claimed in an earlier life, never acknowledged,
    ///   free.
    package func settleAfterRecovery(everythingClaimed: Bool) -> [Int] {
        precondition(cursor.load(ordering: .relaxed) == 0, "a strip is settled once, before its first claim")
        var end = everythingClaimed ? count : 0
        if let page = owners.load(), !everythingClaimed {
            end = (0..<count).last { page.owner(at: $0) != nil }.map { $0 + 1 } ?? 0
        }
        cursor.store(UInt32(end), ordering: .relaxed)
        return (0..<end).filter { owner(at: $0) == nil }
    }

    package var hasOwners: Bool { owners.load() != nil }
}

/// The owners of one strip; 0 is "nobody".
private final class OwnerPage: Sendable {
    private let slots: InlineArray<4_096, Atomic<UInt32>>

    init() {
        slots = InlineArray { _ in Atomic(0) }
    }

    func set(_ owner: CodeOwner, at position: Int) -> Bool {
        // Releasing, so that a look-up that sees the owner also finds the row when it locks the shard.
        // An exchange that can fail: the first owner stays, so that both users can still be told.
        slots[position].compareExchange(
            expected: 0, desired: owner.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }

    func owner(at position: Int) -> CodeOwner? {
        CodeOwner(rawValue: slots[position].load(ordering: .acquiring))
    }
}
