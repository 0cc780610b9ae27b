/// One file added to a list: its codes in order, and where each stands. Immutable but for the strips'
/// cursors.
package final class Upload: Sendable {
    package let id: UploadID
    package let list: ListID
    package let codes: CodeRun
    /// Whether what nobody has of it is out of the list.
    package let isWithdrawn: Bool
    /// Whether its codes were given by another system: nobody is ever given one of them.
    package let isImport: Bool

    package init(
        id: UploadID, list: ListID, codes: CodeRun, isWithdrawn: Bool = false, isImport: Bool = false
    ) {
        self.id = id
        self.list = list
        self.codes = codes
        self.isWithdrawn = isWithdrawn
        self.isImport = isImport
    }

    /// The same upload with the text of its codes, or without it.
    ///
    /// - Parameter codes: nil: without text.
    package func exchangingText(_ codes: CodeRun?) -> Upload {
        Upload(
            id: id, list: list, codes: self.codes.exchangingText(codes), isWithdrawn: isWithdrawn, isImport: isImport)
    }

    /// The same upload without what nobody has of it.
    func withdrawing() -> Upload {
        Upload(id: id, list: list, codes: codes, isWithdrawn: true, isImport: isImport)
    }

    /// How a code counts that no shard's tally has.
    package func stateOfUnowned(_ ordinal: Ordinal) -> CodeState {
        codes.isBurned(ordinal) ? .burned : isWithdrawn ? .withdrawn : .free
    }

    /// Whether the list has this code, so that another upload must not bring it once more: a withdrawn one only
    /// has those that somebody got, or may have got before a restore.
    package func has(_ code: Span<UInt8>) -> Bool {
        isWithdrawn ? isTaken(code) : codes.ordinal(of: code) != nil
    }

    /// Whether somebody got this code, or may have got it: it is given, held or burned.
    package func isTaken(_ code: Span<UInt8>) -> Bool {
        codes.ordinal(of: code).map { codes.isBurned($0) || codes.owner(of: $0) != nil } ?? false
    }

    package var count: Int { codes.count }

    /// - Precondition: the upload has that ordinal.
    package func position(of ordinal: Ordinal) -> CodePosition { codes.position(of: ordinal) }
}

/// Strips of codes with an index over them; what an upload's file becomes in memory.
package struct CodeRun: Sendable {
    package let strips: [Strip]
    package let count: Int
    /// Whether the text of the codes is on disk alone.
    package let isAway: Bool
    /// nil for a fixed list, whose codes are all the same, and for codes that are away.
    private let index: CodeIndex?

    /// - Parameter strips: all full but the last, in order of ordinals.
    package init(strips: [Strip], index: CodeIndex?) {
        self.init(strips: strips, index: index, isAway: false)
    }

    private init(strips: [Strip], index: CodeIndex?, isAway: Bool) {
        self.strips = strips
        self.index = index
        self.isAway = isAway
        count = strips.reduce(0) { $0 + $1.count }
    }

    /// The supply of a fixed list: `limit` codes that all read the same.
    ///
    /// - Parameter limit: up to ``Limits/fixedLimit``; 0 when nothing is left of a new limit.
    package static func fixed(code: [UInt8], limit: UInt32, upload: UploadID) -> CodeRun {
        precondition(limit <= Limits.fixedLimit, "a fixed code with limit \(limit)")
        let strips = stride(from: 0, to: limit, by: Strip.capacity).map { first in
            Strip(
                upload: upload, firstOrdinal: first, count: Int(min(limit - first, UInt32(Strip.capacity))),
                text: StripText(same: code))
        }
        return CodeRun(strips: strips, index: nil)
    }

    /// Codes of an upload whose text is on disk alone.
    static func away(count: Int, upload: UploadID) -> CodeRun {
        let strips = stride(from: 0, to: count, by: Strip.capacity).map { first in
            Strip(
                upload: upload, firstOrdinal: Ordinal(first), count: min(count - first, Strip.capacity), text: .away)
        }
        return CodeRun(strips: strips, index: nil, isAway: true)
    }

    /// The same codes, and who has which, with the text of another run of them; nil: without text.
    func exchangingText(_ other: CodeRun?) -> CodeRun {
        precondition(other.map { $0.count == count } ?? true, "another run than the \(count) codes")
        let strips = strips.enumerated().map { index, strip in strip.exchangingText(other?.strips[index]) }
        return CodeRun(strips: strips, index: other?.index, isAway: other == nil)
    }

    /// The same codes under the id that the upload gets at last; text and index are shared.
    ///
    /// - Precondition: no code is claimed yet.
    package func assigned(to upload: UploadID) -> CodeRun {
        CodeRun(strips: strips.map { $0.assigned(to: upload) }, index: index)
    }

    package func withCode<Result>(at ordinal: Ordinal, _ body: (Span<UInt8>) -> Result) -> Result {
        let place = position(of: ordinal)
        return place.strip.withCode(at: place.position, body)
    }

    /// - Precondition: the run has that ordinal.
    package func position(of ordinal: Ordinal) -> CodePosition {
        CodePosition(
            strip: strips[Int(ordinal) / Strip.capacity], position: Int(ordinal) % Strip.capacity)
    }

    package func owner(of ordinal: Ordinal) -> CodeOwner? {
        let place = position(of: ordinal)
        return place.strip.owner(at: place.position)
    }

    /// Whether a code is burned if it has no owner.
    package func isBurned(_ ordinal: Ordinal) -> Bool {
        let place = position(of: ordinal)
        return place.strip.isBurned(at: place.position)
    }

    /// Free codes before the cursors: claimed and never acknowledged, or gone back. Exact when no claim runs meanwhile.
    ///
    /// - Complexity: O(codes claimed).
    package var holeCount: UInt64 {
        strips.reduce(0) { count, strip in
            let claimed = strip.count - strip.unclaimedCount
            let unowned = (0..<claimed).count { strip.owner(at: $0) == nil }
            return count + UInt64(unowned - strip.burnedCount)
        }
    }

    /// Codes without an owner that are burned.
    ///
    /// - Complexity: O(strips).
    package var burnedCount: UInt64 { strips.reduce(0) { $0 + UInt64($1.burnedCount) } }

    /// The ordinal of a code, or nil when this run does not have it, or is away. For a fixed list: 0 for its code.
    package func ordinal(of code: Span<UInt8>) -> Ordinal? {
        if isAway { return nil }
        guard let index else {
            return count > 0 && withCode(at: 0, { $0.hasSameBytes(as: code) }) ? 0 : nil
        }
        return index.find(hash: index.hash(code)) { ordinal in
            withCode(at: ordinal) { $0.hasSameBytes(as: code) }
        }
    }

    /// Whether all codes read the same.
    package var isFixed: Bool { index == nil && !isAway }

    /// Codes that no claim has passed yet.
    package var unclaimedCount: UInt64 { strips.reduce(0) { $0 + UInt64($1.unclaimedCount) } }

    /// Bytes that the codes take in memory while nobody has them: text and index.
    package var unusedByteCount: Int {
        strips.reduce(index?.byteCount ?? 0) { $0 + $1.textByteCount }
    }
}
