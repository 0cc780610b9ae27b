import CPrefetch
import TearoffCore

extension LoopEngine {
    /// Has the processor fetch what deciding each of a burst's requests will wait for, all at once, where each
    /// would wait by itself else.
    ///
    /// The index of all of them, without a mutex; and behind a burst with known users, which read their rows
    /// too, the rows.
    ///
    /// - Parameter requests: ``burstMaximum`` at most.
    package func prefetch(_ requests: Span<AllocationRequest>) {
        for index in requests.indices {
            let request = requests[index]
            let (head, slot) = engine.withShard(request.shard) {
                $0.directory.addressesToPrefetch(for: request.key)
            }
            tearoff_prefetch(slot)
            tearoff_prefetch(head)
        }
        let repeats = counters.repeated
        if repeats != repeatsBefore { prefetchRows(of: requests) }
        repeatsBefore = repeats
    }

    /// Finding a row takes its shard's mutex: once for all of a shard's requests.
    private func prefetchRows(of requests: Span<AllocationRequest>) {
        precondition(requests.count <= UInt64.bitWidth, "a burst of \(requests.count)")
        var pending = UInt64.max >> UInt64(UInt64.bitWidth - requests.count)
        while pending != 0 {
            let shard = requests[pending.trailingZeroBitCount].shard
            engine.withShard(shard) { cell in
                cell.withState { state in
                    var rest = pending
                    while rest != 0 {
                        let index = rest.trailingZeroBitCount
                        rest &= rest - 1
                        guard requests[index].shard == shard else { continue }
                        pending &= ~(1 << UInt64(index))
                        guard let row = state.shard.rowToPrefetch(for: requests[index].key) else { continue }
                        tearoff_prefetch(row.first)
                        tearoff_prefetch(row.last)
                    }
                }
            }
        }
    }

    /// The same for the text of a repeated code; that of a new one stands beside the one before.
    package func prefetchText(of outcome: AllocationOutcome) {
        guard case .given(let allocation) = outcome, allocation.isRepeat else { return }
        tearoff_prefetch(allocation.place.strip.addressToPrefetch(of: allocation.place.position))
    }
}
