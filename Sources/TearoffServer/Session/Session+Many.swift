import NIOCore
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// `ALLOCMANY`.
extension Session {
    func allocateMany(
        _ campaign: Span<UInt8>, _ users: ArraySlice<Range<Int>>, _ bytes: Span<UInt8>, _ engine: LoopEngine,
        on connection: ConnectionHandler, _ outbox: inout Outbox
    ) -> SessionOutcome {
        guard let terms = terms(ofCampaign: campaign, engine, &outbox) else { return .answered }
        if let sample = terms.sample {
            outbox.writer.array(users.count)
            for _ in users {
                outbox.writer.array(2)
                outbox.writer.bulk(sample.span)
                outbox.writer.bulk("test")
            }
            return .answered
        }
        switch engine.room(forMany: users, in: bytes) {
        case .now: break
        case .later: return .again(.batchFull)
        case .never(let needed, let frameBytes):
            outbox.writer.error(
                .limit,
                "these users may take \(needed) bytes of the log, and one step has at most \(frameBytes); "
                    + "nobody was given a code; ask for fewer users at once")
            return .answered
        }
        let many = engine.allocateMany(users, in: bytes, terms: terms)
        guard many.otherFrames.isEmpty else {
            Self.wait(for: many, of: terms.campaign, engine, connection)
            return .later
        }
        if many.frame != .none { outbox.hold(from: outbox.count, until: many.frame) }
        outbox.writer.many(many)
        return .answered
    }

    /// Decides on the users who wait when they can be, and then answers.
    private static func wait(
        for many: ManyAllocations, of campaign: CampaignID, _ engine: LoopEngine,
        _ connection: ConnectionHandler
    ) {
        let bound = NIOLoopBound(connection, eventLoop: connection.loop.eventLoop)
        engine.engine.whenDurable(many.otherFrames) { [eventLoop = connection.loop.eventLoop] in
            eventLoop.execute { goOn(with: many, of: campaign, bound.value) }
        }
    }

    private static func goOn(
        with many: ManyAllocations, of campaign: CampaignID, _ connection: ConnectionHandler
    ) {
        connection.loop.perform { engine in
            var many = many
            engine.decideWaiting(&many, terms: engine.terms(of: campaign))
            guard many.otherFrames.isEmpty else { return wait(for: many, of: campaign, engine, connection) }
            connection.answer(heldUntil: many.frame) { $0.many(many) }
        }
    }
}

extension ReplyWriter {
    /// For each user the code or null, and the status.
    fileprivate mutating func many(_ many: ManyAllocations) {
        array(many.outcomes.count)
        for outcome in many.outcomes {
            array(2)
            switch outcome {
            case .given(let allocation):
                allocation.place.strip.withCode(at: allocation.place.position) { bulk($0) }
                key(allocation.isRepeat ? "repeat" : "new")
            case .refused(let refusal):
                null()
                bulk(refusal.word.rawValue)
            case .overtaken:
                null()
                bulk(ErrorWord.busy.rawValue)
            case .waiting: preconditionFailure("a user's outcome is told before it is known")
            }
        }
    }
}
