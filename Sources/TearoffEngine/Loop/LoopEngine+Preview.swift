package import TearoffCore
import TearoffLog

extension LoopEngine {
    /// What an `ALLOC` would come to in this tick. Claims, records and counts nothing.
    ///
    /// - Parameter user: 1 to ``Limits/userBytes`` bytes, or none for any user to whom the campaign has given
    ///   nothing.
    /// - Complexity: that of ``Shard/preview(_:bytes:terms:now:day:)``; one mutex.
    package func preview(_ user: Span<UInt8>, terms: CampaignTerms) -> PreviewOutcome {
        let request = user.isEmpty ? nil : request(user, terms: terms)
        // A user who has no row is the same to every shard.
        return engine.withShard(request?.shard ?? 0) { cell in
            cell.withState { state in
                let preview = state.shard.preview(request?.key, bytes: user, terms: terms, now: now, day: day)
                return outcome(of: preview, in: state)
            }
        }
    }

    private func outcome(of preview: AllocationPreview, in state: borrowing ShardState) -> PreviewOutcome {
        let verdict: Preview.Verdict
        let dependency: LaneFrame?
        switch preview.ruling {
        case .repeated(let row):
            let code = state.shard.rows[row].code
            verdict =
                upload(code.upload).codes.isAway
                ? .refused(.codeAway) : .repeated(code, givenAt: state.shard.times(of: row).givenAt)
            dependency = state.inFlight.dependency(of: row, lanes: engine.lanes)
        case .held(let hold):
            verdict = .repeated(state.shard.rows[hold.row].code, givenAt: now)
            dependency = state.inFlight.dependency(of: hold.row, lanes: engine.lanes)
        case .new:
            verdict = .new
            dependency = change(behind: preview, in: state)
        case .refused(let refusal):
            verdict = .refused(refusal)
            dependency = change(behind: preview, in: state)
        }
        if let dependency, dependency.lane != index { return .parked(dependency) }
        return .told(Preview(verdict: verdict, next: preview.next, frame: dependency?.frame ?? .none))
    }

    /// The frame that the end of the user's hold waits for, without which there would be a code to repeat.
    private func change(behind preview: AllocationPreview, in state: borrowing ShardState) -> LaneFrame? {
        preview.latest.flatMap { state.inFlight.change(of: $0, lanes: engine.lanes) }
    }
}
