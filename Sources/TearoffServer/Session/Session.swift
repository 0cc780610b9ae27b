import NIOCore
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// What the server knows of one client, and how it runs its commands. Touched by its loop only.
final class Session {
    let id: UInt64
    let address: String
    let server: ServerState
    /// As the client calls itself; empty when it does not.
    var name = "" {
        didSet { server.noteClient(self) }
    }
    var isAuthenticated: Bool
    /// Uploads that this connection began: they end with it.
    var uploads: Set<UInt64> = []
    /// Exports that this connection began: as uploads.
    var exports: Set<UInt64> = []

    init(id: UInt64, address: String, server: ServerState) {
        self.id = id
        self.address = address
        self.server = server
        isAuthenticated = server.settings.password == nil
    }

    var decoderLimits: DecoderLimits { isAuthenticated ? .standard : .unauthenticated }

    /// Who asks, as the audit trail keeps it. There is one user, as Redis calls it.
    var origin: Origin { Origin(user: "default", client: name, address: address) }

    /// As `CLIENT LIST` shows it.
    var line: String { "id=\(id) addr=\(address) name=\(name)" }
}

// MARK: - Running

extension Session {
    /// Runs one command.
    ///
    /// - Parameter bytes: what the decoder's argument ranges point into.
    func run(
        _ decoder: borrowing CommandDecoder, _ bytes: Span<UInt8>, on connection: ConnectionHandler,
        _ outbox: inout Outbox
    ) -> SessionOutcome {
        let command: Command
        do throws(CommandError) {
            command = try Command(parsing: decoder, bytes: bytes)
        } catch {
            outbox.writer.error(error)
            return .answered
        }
        guard isAuthenticated || command.needsNoAuthentication else {
            outbox.writer.error(.noAuthentication, "Authentication required.")
            return .answered
        }
        switch command {
        case .alloc(let arguments):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return allocate(arguments, holdMilliseconds: nil, decoder, bytes, engine, &outbox)
        case .allocMany(let campaign, let firstUser):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return allocateMany(
                bytes.extracting(decoder.argument(campaign)), decoder.arguments(from: firstUser), bytes,
                engine, on: connection, &outbox)
        case .hold(let arguments, let milliseconds):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return allocate(arguments, holdMilliseconds: milliseconds, decoder, bytes, engine, &outbox)
        case .confirm(let arguments):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return endHold(.confirmed, arguments, decoder, bytes, engine, &outbox)
        case .release(let arguments):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return endHold(.released, arguments, decoder, bytes, engine, &outbox)
        case .preview(let campaign, let user):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            let userRange = user.map { decoder.argument($0) } ?? 0..<0
            return preview(
                bytes.extracting(decoder.argument(campaign)), bytes.extracting(userRange), engine, &outbox)
        case .userHistory(let user):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return history(of: bytes.extracting(decoder.argument(user)), engine, on: connection, &outbox)
        case .codeFind(let code):
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return find(bytes.extracting(decoder.argument(code)), engine, on: connection, &outbox)
        default: break
        }
        if let outcome = runAboutConnection(command, decoder, bytes, on: connection, &outbox.writer) {
            return outcome
        }
        guard let engine = connection.loop.engine else { return loading(&outbox) }
        return runOperator(command, decoder, bytes, engine, on: connection, &outbox)
    }

    private func loading(_ outbox: inout Outbox) -> SessionOutcome {
        if server.isStopping {
            outbox.writer.error(.shutdown, "the server is going down")
        } else {
            outbox.writer.error(.loading, "the server is recovering its data: \(server.progressText)")
        }
        return .answered
    }

    /// Runs an `ALLOC` or, when it is to be held, a `HOLD`.
    private func allocate(
        _ arguments: AllocArguments, holdMilliseconds: UInt64?, _ decoder: borrowing CommandDecoder,
        _ bytes: Span<UInt8>, _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> SessionOutcome {
        let name = bytes.extracting(decoder.argument(arguments.campaign))
        guard let terms = terms(ofCampaign: name, engine, &outbox) else { return .answered }
        let deadline = holdMilliseconds.map { engine.now.adding(milliseconds: $0) }
        if let sample = terms.sample {
            write(
                sample, terms, isFull: arguments.isFull, holdUntil: deadline,
                hasKey: arguments.key != nil, engine, to: &outbox.writer)
            return .answered
        }
        if engine.isBatchFull { return .again(.batchFull) }
        let user = bytes.extracting(decoder.argument(arguments.user))
        let userID = bytes.extracting(arguments.userID.map { decoder.argument($0) } ?? 0..<0)
        let moment = engine.moment
        if let key = arguments.key {
            let key = KeyArguments(
                key: bytes.extracting(decoder.argument(key)), userID: userID,
                holdMilliseconds: holdMilliseconds)
            let outcome = engine.withTick { tick in
                engine.allocate(
                    engine.request(user, terms: terms), under: key, terms: terms, holdUntil: deadline,
                    at: moment, user: user, userID: userID, in: &tick)
            }
            let stall = answer(
                outcome, terms, isFull: arguments.isFull, isHold: deadline != nil, engine, &outbox)
            return stall.map { .again($0) } ?? .answered
        }
        let outcome = engine.withTick { tick in
            engine.allocate(
                engine.request(user, terms: terms), terms: terms, holdUntil: deadline, at: moment, user: user,
                userID: userID, in: &tick)
        }
        let stall = answer(
            outcome, terms, isFull: arguments.isFull, isHold: deadline != nil, engine, &outbox)
        return stall.map { .again($0) } ?? .answered
    }

    /// The terms of a campaign.
    ///
    /// - Returns: nil when an error was written.
    func terms(
        ofCampaign name: Span<UInt8>, _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> CampaignTerms? {
        if let terms = engine.terms(ofCampaign: name) { return terms }
        outbox.writer.error(.noCampaign, "no campaign '\(EscapedText(name))'")
        return nil
    }

    /// Runs a `CONFIRM` or a `RELEASE`.
    private func endHold(
        _ reason: HoldEnd.Reason, _ arguments: AllocArguments, _ decoder: borrowing CommandDecoder,
        _ bytes: Span<UInt8>, _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> SessionOutcome {
        let name = bytes.extracting(decoder.argument(arguments.campaign))
        guard let terms = terms(ofCampaign: name, engine, &outbox) else { return .answered }
        if terms.sample != nil {
            outbox.writer.ok()
            return .answered
        }
        if engine.isBatchFull { return .again(.batchFull) }
        let user = bytes.extracting(decoder.argument(arguments.user))
        let outcome = engine.withTick { tick in
            engine.endHold(
                reason, engine.request(user, terms: terms), terms: terms, at: engine.moment, user: user,
                in: &tick)
        }
        switch outcome {
        case .parked(let frame): return .again(.parked(frame))
        case .listExpired: outbox.writer.error(.listExpired, campaign: terms.campaignName)
        case .ended(let frame):
            outbox.hold(from: outbox.count, until: frame)
            outbox.writer.ok()
        case .given(let frame):
            if frame != .none { outbox.hold(from: outbox.count, until: frame) }
            if reason == .confirmed {
                outbox.writer.ok()
            } else {
                outbox.writer.error(.given, "the user has a code of campaign '\(terms.campaignName)' for good")
            }
        case .nothing(let frame):
            if frame != .none { outbox.hold(from: outbox.count, until: frame) }
            outbox.writer.error(
                .noHold, "no code of campaign '\(terms.campaignName)' is held for this user")
        }
        return .answered
    }

    /// Writes the reply to an `ALLOC` or a `HOLD` under a key.
    ///
    /// - Returns: as below.
    private func answer(
        _ outcome: KeyedOutcome, _ terms: CampaignTerms, isFull: Bool, isHold: Bool, _ engine: LoopEngine,
        _ outbox: inout Outbox
    ) -> CommandStream.Stall? {
        switch outcome {
        case .decided(let outcome):
            return answer(outcome, terms, isFull: isFull, isHold: isHold, isReplay: false, engine, &outbox)
        case .replayed(let allocation):
            return answer(
                .given(allocation), terms, isFull: isFull, isHold: isHold, isReplay: true, engine, &outbox)
        case .parked(let frame): return .parked(frame)
        case .reused(let frame):
            if frame != .none { outbox.hold(from: outbox.count, until: frame) }
            outbox.writer.error(
                .keyReuse,
                "the key was used in the last 24 hours with another campaign, user, user id or command; nothing was "
                    + "done, and what it stood for stands")
            return nil
        case .full:
            outbox.writer.error(
                .limit,
                "this server keeps as many keys as it can, each for 24 hours; nothing was done: send the command "
                    + "without KEY, or try again later")
            return nil
        }
    }

    /// Writes the reply to an `ALLOC` or a `HOLD`.
    ///
    /// - Parameter isReplay: nil when no key was sent.
    /// - Returns: nil when there is one; else why the command is to be run again.
    func answer(
        _ outcome: borrowing AllocationOutcome, _ terms: CampaignTerms, isFull: Bool, isHold: Bool = false,
        isReplay: Bool? = nil, _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> CommandStream.Stall? {
        switch outcome {
        case .given(let allocation):
            if allocation.frame != .none { outbox.hold(from: outbox.count, until: allocation.frame) }
            if isFull {
                write(allocation, terms, isHold: isHold, isReplay: isReplay, engine, to: &outbox.writer)
            } else {
                allocation.place.strip.withCode(at: allocation.place.position) { outbox.writer.bulk($0) }
            }
            return nil
        case .refused(let refusal):
            outbox.writer.error(refusal, campaign: terms.campaignName)
            return nil
        case .parked(let frame): return .parked(frame)
        }
    }

    /// What a campaign that is tried out gives.
    private func write(
        _ sample: [UInt8], _ terms: CampaignTerms, isFull: Bool, holdUntil: Timestamp?, hasKey: Bool,
        _ engine: LoopEngine, to writer: inout ReplyWriter
    ) {
        guard isFull else { return writer.bulk(sample.span) }
        let full = FullReply(
            status: "test", isReplay: hasKey ? false : nil, isHold: holdUntil != nil, holdUntil: holdUntil,
            givenAt: engine.now, expiresAt: terms.expiresAt, listName: terms.listName, ordinal: nil)
        full.write(to: &writer) { $0.bulk(sample.span) }
    }

    private func write(
        _ allocation: Allocation, _ terms: CampaignTerms, isHold: Bool, isReplay: Bool?, _ engine: LoopEngine,
        to writer: inout ReplyWriter
    ) {
        let source = engine.source(of: allocation.code, givenAt: allocation.times.givenAt, terms: terms)
        let full = FullReply(
            status: allocation.isRepeat ? "repeat" : "new", isReplay: isReplay, isHold: isHold,
            holdUntil: allocation.times.holdUntil, givenAt: allocation.times.givenAt,
            expiresAt: source.expiresAt, listName: source.listName, ordinal: allocation.code.ordinal)
        full.write(to: &writer) { writer in
            allocation.place.strip.withCode(at: allocation.place.position) { writer.bulk($0) }
        }
    }
}

/// What `FULL` tells of a code, beside the code itself.
private struct FullReply {
    let status: StaticString
    /// nil when no key was sent.
    let isReplay: Bool?
    let isHold: Bool
    let holdUntil: Timestamp?
    let givenAt: Timestamp
    let expiresAt: Timestamp?
    let listName: String
    /// nil for a text that is tried out.
    let ordinal: Ordinal?

    /// - Parameter writeCode: writes the code.
    func write(to writer: inout ReplyWriter, _ writeCode: (inout ReplyWriter) -> Void) {
        writer.map(6 + (isHold ? 1 : 0) + (isReplay == nil ? 0 : 1))
        writer.key("code")
        writeCode(&writer)
        writer.key("status")
        writer.key(status)
        if let isReplay {
            writer.key("replayed")
            writer.boolean(isReplay)
        }
        if isHold {
            writer.key("hold-until")
            writer.bulkOrNull(holdUntil)
        }
        writer.key("given-at")
        writer.bulk(givenAt)
        writer.key("expires-at")
        writer.bulkOrNull(expiresAt)
        writer.key("list")
        writer.bulk(listName)
        writer.key("ordinal")
        if let ordinal { writer.integer(Int64(ordinal)) } else { writer.null() }
    }
}
