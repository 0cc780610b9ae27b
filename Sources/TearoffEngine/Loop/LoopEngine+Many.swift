package import TearoffCore
import TearoffLog

extension LoopEngine {
    /// Whether one frame, and the open batch, have room for new codes of all these users.
    ///
    /// - Parameters:
    ///   - users: where they stand in `bytes`; each is 1 to ``Limits/userBytes`` bytes.
    package func room(forMany users: ArraySlice<Range<Int>>, in bytes: Span<UInt8>) -> ManyRoom {
        var userBytes = 0
        for user in users {
            let text = bytes.extracting(user)
            userBytes += AllocationEncoder.bytes(of: UserKey(text), text: text)
        }
        let needed = AllocationEncoder.bytesMax(
            ofTogether: users.count, userBytes: userBytes, shardCount: Int(engine.routing.shardCount))
        guard needed <= writer.payloadBytesMax else {
            return .never(bytes: needed, frameBytes: writer.payloadBytesMax)
        }
        return hasRoom(for: needed) ? .now : .later
    }

    /// Decides an `ALLOC` for each of many users and puts the records into the open batch. A user who stands there
    /// twice gets the same code, whatever the campaign's rule: the command is one request.
    ///
    /// - Parameters:
    ///   - users, bytes: as for ``room(forMany:in:)``, which said ``ManyRoom/now`` in this tick.
    /// - Complexity: O(users); for a campaign that gives a code at every request, a copy of each user.
    package func allocateMany(
        _ users: ArraySlice<Range<Int>>, in bytes: Span<UInt8>, terms: CampaignTerms
    ) -> ManyAllocations {
        var many = ManyAllocations(userCount: users.count)
        var firsts: [[UInt8]: Int] = [:]
        let moment = moment
        var start = users.startIndex
        while start < users.endIndex {
            let burst = users[start..<min(start + Self.burstMaximum, users.endIndex)]
            start = burst.endIndex
            let requests = burst.map { request(bytes.extracting($0), terms: terms) }
            prefetch(requests.span)
            withTick { tick in
                for (request, range) in zip(requests, burst) {
                    let user = bytes.extracting(range)
                    if terms.rule == .always {
                        let known = user.copy
                        if let first = firsts[known], many.appendRepeat(of: first) { continue }
                        firsts[known] = many.outcomes.count
                    }
                    let outcome = allocate(
                        request, terms: terms, at: moment, user: user, userID: bytes.extracting(0..<0),
                        in: &tick)
                    many.append(outcome, of: user)
                }
            }
        }
        return many
    }

    /// Decides on the users who waited, once the frames that they waited for are durable; those go on waiting, for the
    /// open batch, who find it full of what the feed is to tell of others.
    ///
    /// - Parameter terms: those of now.
    package func decideWaiting(_ many: inout ManyAllocations, terms: CampaignTerms) {
        let (users, text) = many.takeWaiting()
        let moment = moment
        withTick { tick in
            for (index, range) in users {
                let user = text.span.extracting(range)
                guard !isBatchFull(tick) else {
                    many.note(.parked(moment.frame), ofUser: index, user)
                    continue
                }
                let request = request(user, terms: terms)
                let decision = engine.withShard(request.shard) {
                    $0.repeatOnly(request.key, terms: terms, at: moment, user: user, engine: engine)
                }
                guard let decision else {
                    many.noteOvertaken(index)
                    continue
                }
                let outcome = outcome(
                    of: decision, request, terms: terms, holdUntil: nil, at: moment, user: user,
                    userID: user.extracting(0..<0), in: &tick)
                many.note(outcome, ofUser: index, user)
            }
        }
    }
}
