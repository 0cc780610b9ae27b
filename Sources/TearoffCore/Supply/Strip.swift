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
    private let owners = OwnerPage()
    /// Whether a code that goes back to it is withdrawn instead of free.
    private let withdrawn = Atomic<Bool>(false)
    /// The positions before this one that have no owner are burned. Set before any claim.
    private let burnedEnd = Atomic<UInt32>(0)
    /// How many those are; known once the strip is settled, and the same from then on unless it is ``close()``d.
    private let burned = Atomic<UInt32>(0)

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

    /// The same codes, and who has which, with the text of other strips: or without text, when there is none.
    ///
    /// A strip of its own: whoever reads from the old one goes on doing so.
    /// - Precondition: no code of it is claimed or goes back meanwhile, nor of the old one ever after.
    func exchangingText(_ other: Strip?) -> Strip {
        let text = other?.text ?? .away
        let strip = Strip(upload: upload, firstOrdinal: firstOrdinal, count: count, text: text)
        strip.cursor.store(cursor.load(ordering: .relaxed), ordering: .relaxed)
        strip.withdrawn.store(isWithdrawn, ordering: .relaxed)
        strip.burnedEnd.store(burnedEnd.load(ordering: .relaxed), ordering: .relaxed)
        strip.burned.store(burned.load(ordering: .relaxed), ordering: .relaxed)
        strip.owners.copy(owners)
        return strip
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

    /// The position that the next claim would get if no other came before; nil when all are claimed.
    var nextPosition: Int? {
        let next = Int(cursor.load(ordering: .relaxed))
        return next < count ? next : nil
    }

    /// The upload was withdrawn. What is unclaimed stays so once every loop has a pool without this strip.
    var isWithdrawn: Bool { withdrawn.load(ordering: .relaxed) }
    func withdraw() { withdrawn.store(true, ordering: .relaxed) }

    /// Nobody is to get the codes before this ordinal that nobody has. Recovery only, before any claim: what the
    /// cursor has passed is not asked.
    func burn(below ordinal: Ordinal) {
        burnedEnd.store(min(max(ordinal, firstOrdinal) - firstOrdinal, UInt32(count)), ordering: .relaxed)
    }

    /// Takes all codes before anybody can claim one: they were given elsewhere. One that has no owner is burned.
    func close() {
        burnedEnd.store(UInt32(count), ordering: .relaxed)
        burned.store(UInt32(count), ordering: .relaxed)
        cursor.store(UInt32(count), ordering: .relaxed)
    }

    /// A code of a strip that was closed has an owner now. Under the mutex of the shard that counts it as given.
    func noteImport() { burned.wrappingSubtract(1, ordering: .relaxed) }

    /// Whether a code that has no owner is burned.
    func isBurned(at position: Int) -> Bool { position < Int(burnedEnd.load(ordering: .relaxed)) }

    /// Codes without an owner that are burned.
    var burnedCount: Int { Int(burned.load(ordering: .relaxed)) }

    /// Codes that no claim has passed yet.
    package var unclaimedCount: Int { count - Int(cursor.load(ordering: .relaxed)) }

    package func withCode<Result>(at position: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        precondition(position >= 0 && position < count, "position \(position) in a strip of \(count)")
        return text.withCode(at: position, body)
    }

    /// The same without a result: not generic, so that other modules need no copy of it to call it fast.
    package func withCode(at position: Int, _ body: (Span<UInt8>) -> Void) {
        precondition(position >= 0 && position < count, "position \(position) in a strip of \(count)")
        text.withCode(at: position, body)
    }

    /// See ``StripText/addressToPrefetch(of:)``.
    package func addressToPrefetch(of position: Int) -> UInt { text.addressToPrefetch(of: position) }

    /// Bytes that the text of the codes takes in memory.
    package var textByteCount: Int { text.byteCount }
}

// MARK: - Owners

extension Strip {
    /// Remembers who got the code. One writer per position: the shard that claimed it.
    ///
    /// - Returns: false when the code already has an owner, which must never happen: it was given twice.
    package func setOwner(_ owner: CodeOwner, at position: Int) -> Bool {
        precondition(position >= 0 && position < count, "position \(position) in a strip of \(count)")
        return owners.set(owner, at: position)
    }

    package func owner(at position: Int) -> CodeOwner? {
        precondition(position >= 0 && position < count, "position \(position) in a strip of \(count)")
        return owners.owner(at: position)
    }

    /// Forgets who had a code that went back; nothing happens when it has another owner, or none.
    package func removeOwner(_ owner: CodeOwner, at position: Int) {
        precondition(position >= 0 && position < count, "position \(position) in a strip of \(count)")
        owners.remove(owner, at: position)
    }

    /// Moves the cursor past the last code that has an owner or is burned. Recovery only, before any claim.
    ///
    /// - Returns: the positions before it that have none and are not burned: claimed in an earlier life, never
    ///   acknowledged, free.
    package func settleAfterRecovery(everythingClaimed: Bool) -> [Int] {
        precondition(cursor.load(ordering: .relaxed) == 0, "a strip is settled once, before its first claim")
        var end = everythingClaimed ? count : 0
        if hasOwners && !everythingClaimed {
            end = (0..<count).last { owner(at: $0) != nil }.map { $0 + 1 } ?? 0
        }
        let burnedEnd = Int(burnedEnd.load(ordering: .relaxed))
        end = max(end, burnedEnd)
        burned.store(UInt32((0..<burnedEnd).count { owner(at: $0) == nil }), ordering: .relaxed)
        cursor.store(UInt32(end), ordering: .relaxed)
        return (burnedEnd..<end).filter { owner(at: $0) == nil }
    }

    package var hasOwners: Bool { owners.isMade }
}

/// Where a code stands: what its text and its owner are reached by without another look-up.
package struct CodePosition: Sendable {
    package let strip: Strip
    package let position: Int

    package init(strip: Strip, position: Int) {
        self.strip = strip
        self.position = position
    }

    package var code: CodeID {
        CodeID(upload: strip.upload, ordinal: strip.firstOrdinal + Ordinal(position))
    }
}

/// The owners of one strip; 0 is "nobody".
///
/// Sendable, proof: the only field is an atomic; it goes from nil to one pointer, once; what that points to
/// are atomics, made before the exchange that publishes them and freed by `deinit`, which is nobody's else.
@safe private struct OwnerPage: ~Copyable, @unchecked Sendable {
    private typealias Slots = UnsafeMutablePointer<Atomic<UInt32>>

    /// Made at the first claim, so that an unused code costs no owner's four bytes. A bare pointer: every
    /// claim comes by here, and a reference would be counted up and down each time.
    private let slots = unsafe Atomic<UnsafeMutablePointer<Atomic<UInt32>>?>(nil)

    init() {}

    deinit {
        guard let slots = unsafe slots.load(ordering: .acquiring) else { return }
        unsafe Self.free(slots)
    }

    var isMade: Bool { unsafe slots.load(ordering: .acquiring) != nil }

    /// - Parameter position: below ``Strip/capacity``.
    func set(_ owner: CodeOwner, at position: Int) -> Bool {
        let slots = unsafe slots.load(ordering: .acquiring) ?? makeSlots()
        // Releasing, so that a look-up that sees the owner also finds the row when it locks the shard.
        // An exchange that can fail: the first owner stays, so that both users can still be told.
        // SAFETY: a strip has at most `capacity` positions, and the slots live as long as the page.
        return unsafe slots[position].compareExchange(
            expected: 0, desired: owner.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }

    func remove(_ owner: CodeOwner, at position: Int) {
        // SAFETY: as above.
        guard let slots = unsafe slots.load(ordering: .acquiring) else { return }
        _ = unsafe slots[position].compareExchange(
            expected: owner.rawValue, desired: 0, ordering: .acquiringAndReleasing)
    }

    func owner(at position: Int) -> CodeOwner? {
        // SAFETY: as above.
        guard let slots = unsafe slots.load(ordering: .acquiring) else { return nil }
        return CodeOwner(rawValue: unsafe slots[position].load(ordering: .acquiring))
    }

    /// - Precondition: nobody sees this page yet, and nobody changes the other.
    func copy(_ other: borrowing OwnerPage) {
        guard let theirs = unsafe other.slots.load(ordering: .acquiring) else { return }
        let ours = unsafe makeSlots()
        for index in 0..<Strip.capacity {
            // SAFETY: both have `capacity` slots, and live as long as their pages.
            unsafe ours[index].store(theirs[index].load(ordering: .relaxed), ordering: .relaxed)
        }
    }

    /// Makes the slots, or finds that another loop has just made them.
    private func makeSlots() -> UnsafeMutablePointer<Atomic<UInt32>> {
        let made = Slots.allocate(capacity: Strip.capacity)
        for index in 0..<Strip.capacity { unsafe (made + index).initialize(to: Atomic(0)) }
        let (won, current) = unsafe slots.compareExchange(
            expected: nil, desired: made, ordering: .acquiringAndReleasing)
        if won { return unsafe made }
        unsafe Self.free(made)
        guard let current = unsafe current else { preconditionFailure("owners were taken away") }
        return unsafe current
    }

    private static func free(_ slots: UnsafeMutablePointer<Atomic<UInt32>>) {
        // SAFETY: made by `makeSlots`, freed once, by the page or by who lost the exchange.
        unsafe slots.deinitialize(count: Strip.capacity)
        unsafe slots.deallocate()
    }
}
