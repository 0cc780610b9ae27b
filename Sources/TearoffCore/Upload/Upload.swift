/// One file added to a list: its codes in order, and where each stands. Immutable but for the strips'
/// cursors.
package final class Upload: Sendable {
    package let id: UploadID
    package let list: ListID
    package let codes: CodeRun
    /// Whether what nobody has of it is out of the list.
    package let isWithdrawn: Bool

    package init(id: UploadID, list: ListID, codes: CodeRun, isWithdrawn: Bool = false) {
        self.id = id
        self.list = list
        self.codes = codes
        self.isWithdrawn = isWithdrawn
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
    /// nil for a fixed list, whose codes are all the same.
    private let index: CodeIndex?

    /// - Parameter strips: all full but the last, in order of ordinals.
    package init(strips: [Strip], index: CodeIndex?) {
        self.strips = strips
        self.index = index
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

    /// The ordinal of a code, or nil when this run does not have it. For a fixed list: 0 for its code.
    package func ordinal(of code: Span<UInt8>) -> Ordinal? {
        guard let index else {
            return count > 0 && withCode(at: 0, { $0.hasSameBytes(as: code) }) ? 0 : nil
        }
        return index.find(hash: index.hash(code)) { ordinal in
            withCode(at: ordinal) { $0.hasSameBytes(as: code) }
        }
    }

    /// Whether all codes read the same.
    package var isFixed: Bool { index == nil }

    /// Codes that no claim has passed yet.
    package var unclaimedCount: UInt64 { strips.reduce(0) { $0 + UInt64($1.unclaimedCount) } }

    /// Bytes that the codes take in memory while nobody has them: text and index.
    package var unusedByteCount: Int {
        strips.reduce(index?.byteCount ?? 0) { $0 + $1.textByteCount }
    }
}
