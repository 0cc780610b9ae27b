package import Synchronization
package import TearoffCore

/// A shard behind its mutex. Any loop may enter; none stays for more than one decision.
package final class ShardCell: Sendable {
    package let state: Mutex<ShardState>

    init(_ shard: consuming sending Shard) {
        state = Mutex(ShardState(shard: shard))
    }

    /// All rows are durable: they were read back.
    func settleAfterRecovery() {
        state.withLock { $0.inFlight = InFlightRows(firstRow: $0.shard.rows.count) }
    }
}

/// A shard, and which of its rows a crash could still take away.
package struct ShardState: ~Copyable {
    package var shard: Shard
    var inFlight: InFlightRows

    init(shard: consuming Shard) {
        inFlight = InFlightRows(firstRow: shard.rows.count)
        self.shard = shard
    }
}
