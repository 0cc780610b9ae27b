package import TearoffCore
import TearoffLog

extension LoopEngine {
    /// Holds whose ends one tick writes when their deadlines pass together; the next one goes on.
    private static let endsPerTick = 1_024

    /// Decides a `CONFIRM` or a `RELEASE` and, when a hold ends by it, puts its record into the open batch.
    ///
    /// - Parameters:
    ///   - reason: confirmed or released.
    ///   - request, terms, moment, user, tick: as for an `ALLOC`.
    /// - Complexity: O(log holds); one mutex.
    package func endHold(
        _ reason: HoldEnd.Reason, _ request: AllocationRequest, terms: CampaignTerms, at moment: TickMoment,
        user: Span<UInt8>, in tick: inout Tick
    ) -> HoldOutcome {
        let decision = engine.withShard(request.shard) {
            $0.endHold(
                reason, of: request.key, terms: terms, pool: pool(of:), at: moment, in: status, user: user,
                engine: engine)
        }
        switch decision {
        case .ended(let hold):
            note(hold, at: moment, in: &tick)
            return .ended(frame: moment.frame.frame)
        case .parked(let frame): return parked(frame, &tick)
        case .listExpired: return .listExpired
        case .given(let dependency):
            if let dependency, dependency.lane != index { return parked(dependency, &tick) }
            return .given(frame: dependency?.frame ?? .none)
        case .nothing(let dependency):
            if let dependency, dependency.lane != index { return parked(dependency, &tick) }
            return .nothing(frame: dependency?.frame ?? .none)
        }
    }

    private func parked(_ frame: LaneFrame, _ tick: inout Tick) -> HoldOutcome {
        tick.counters.parked += 1
        return .parked(frame)
    }

    /// The pool of the list that an upload belongs to.
    private func pool(of upload: UploadID) -> Pool { catalog.lists[Int(self.upload(upload).list.rawValue)].pool }

    private func note(_ hold: EndedHold, at moment: TickMoment, in tick: inout Tick) {
        let upload = upload(hold.code.upload)
        let pool = pool(of: upload.id)
        tick.add(hold.record, list: upload.list, pool: pool, frame: moment.frame.frame)
        guard hold.record.end.codeIsFree else { return }
        let shardCount = engine.routing.shardCount
        guard let owner = CodeOwner(shard: hold.record.shard, row: hold.row, shardCount: shardCount) else {
            preconditionFailure("a row that cannot own a code")
        }
        let place = upload.position(of: hold.code.ordinal)
        tick.add(ReturnedCode(place: place, owner: owner, pool: pool), frame: moment.frame.frame)
    }

    /// Ends holds whose deadlines have passed, in any shard. Within a tick.
    package func endOverdueHolds() {
        let moment = moment
        withTick { tick in
            var left = Self.endsPerTick
            for shard in engine.shards.indices where engine.shards[shard].hasOverdueHold(at: moment.now) {
                while left > 0, !isBatchFull(tick) {
                    let ended = engine.shards[shard].endOverdueHold(
                        terms: { self.terms(of: $0) }, pool: pool(of:), at: moment, in: status, engine: engine)
                    guard let ended else { break }
                    note(ended, at: moment, in: &tick)
                    left -= 1
                }
            }
        }
    }

    /// The earliest deadline of any hold; nil when there is none.
    package var earliestHoldEnd: Timestamp? {
        engine.shards.lazy.compactMap(\.nextDeadline).min().map(Timestamp.init(milliseconds:))
    }

    /// The earliest deadline of the holds that this loop made since it was asked; nil when it made none.
    package func takeNextHoldEnd() -> Timestamp? { withTick { $0.takeNextHoldEnd() } }
}
