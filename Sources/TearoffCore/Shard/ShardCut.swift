/// The history of a shard at one instant, sharing what cannot change any more: a snapshot reads it at
/// leisure.
package struct ShardCut: Sendable {
    package let id: ShardID
    package let lastSequence: SequenceNumber
    package let rows: RowStore
    package let holds: HoldStore
    private let arena: Arena

    init(id: ShardID, lastSequence: SequenceNumber, rows: RowStore, holds: HoldStore, arena: Arena) {
        self.id = id
        self.lastSequence = lastSequence
        self.rows = rows
        self.holds = holds
        self.arena = arena
    }

    package func user(of row: Row) -> (key: UserKey, bytes: [UInt8]) {
        guard row.form == UserKey.long else {
            return (UserKey(form: row.form, low: row.low, high: row.high), [])
        }
        let reference = ArenaReference(rawValue: UInt32(truncatingIfNeeded: row.high))
        let bytes = arena.copy(reference)
        return (UserKey(bytes.span), bytes)
    }

    package func userID(of row: Row) -> [UInt8] {
        row.userID == .none ? [] : arena.copy(row.userID)
    }

    /// As of ``Shard``.
    ///
    /// - Precondition: there is room for 255 bytes.
    package func appendUser(of row: Row, to output: inout OutputSpan<UInt8>) {
        arena.appendUser(of: row, to: &output)
    }

    /// As of ``Shard``.
    ///
    /// - Precondition: there is room for 255 bytes.
    package func appendUserID(of row: Row, to output: inout OutputSpan<UInt8>) {
        arena.appendUserID(of: row, to: &output)
    }

    /// How a row stood, and where its code counted.
    ///
    /// - Parameter row: the one of that number.
    package func standing(of row: Row, _ number: RowNumber) -> (AllocationStanding, CodeState) {
        let hold = row.isHold ? holds.index(of: number).map { holds[$0] } : nil
        return (AllocationStanding(of: row, hold), hold?.codeState ?? .given)
    }
}

extension Shard {
    /// - Complexity: O(chunks), some microseconds; at the next append the last chunk and the last arena block
    ///   are copied, at most 1.2 MiB.
    package func cut() -> ShardCut {
        ShardCut(id: id, lastSequence: lastSequence, rows: rows, holds: holds, arena: arena)
    }
}
