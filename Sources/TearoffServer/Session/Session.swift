import NIOCore
import TearoffAccounts
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// What the server knows of one client, and how it runs its commands. Touched by its loop only.
final class Session {
    let id: UInt64
    let address: String
    /// By which way it came; whoever comes over the Unix socket for administration is let in without a password: its
    /// file's mode has let in its owner alone.
    let entrance: Listener.Entrance
    /// The address as failures to log in are counted by it.
    let addressKey: AddressKey
    let server: ServerState
    /// Who the connection is without logging in, by the way that it came; nil: what the server's accounts say.
    private let admitted: Identity?
    /// As the client calls itself; empty when it does not.
    var name = "" {
        didSet { server.noteClient(self) }
    }
    /// Whom it acts for; nil: it must log in first.
    private(set) var identity: Identity?
    /// Another one for each identity that it had.
    private(set) var identityNumber: UInt64 = 0
    /// Whether it may send `ALLOC`: asked for each read, so kept aside.
    private(set) var mayAllocate = false
    /// Uploads that this connection began: they end with it.
    var uploads: Set<UInt64> = []
    /// Exports that this connection began: as uploads.
    var exports: Set<UInt64> = []

    /// - Parameters:
    ///   - address: as it is shown.
    ///   - accounts: those of now; nil while the server is loading.
    init(
        id: UInt64, address: String, addressKey: AddressKey, entrance: Listener.Entrance, server: ServerState,
        accounts: Accounts?
    ) {
        self.id = id
        self.address = address
        self.addressKey = addressKey
        self.entrance = entrance
        self.server = server
        admitted = entrance == .administration ? .administrator(of: .unixSocket) : nil
        become(admitted ?? Identity.withoutLogin(hasPassword: server.settings.password != nil, accounts))
    }

    var decoderLimits: DecoderLimits { identity == nil ? .unauthenticated : .standard }

    /// Who asks, as the audit trail keeps it.
    var origin: Origin { Origin(user: identity?.name ?? "", client: name, address: address) }

    /// As `CLIENT LIST` shows it.
    var line: String { "id=\(id) addr=\(address) name=\(name) user=\(identity?.name ?? "")" }
}

// MARK: - Identity

extension Session {
    /// Goes on as somebody, or as nobody. What another began ends.
    func become(_ identity: Identity?) {
        if let old = self.identity, old != identity { letGo() }
        self.identity = identity
        identityNumber += 1
        mayAllocate = identity?.may(.role(.allocate)) ?? false
        server.noteClient(self)
    }

    /// As it was when the connection came.
    func logOut(_ accounts: Accounts?) {
        letGo()
        become(admitted ?? Identity.withoutLogin(hasPassword: server.settings.password != nil, accounts))
    }

    /// Accounts have changed, or are known now.
    func renew(_ accounts: Accounts) {
        let hasPassword = server.settings.password != nil
        let renewed =
            if let identity {
                identity.renewed(hasPassword: hasPassword, accounts)
            } else {
                Identity.withoutLogin(hasPassword: hasPassword, accounts)
            }
        if renewed != identity { become(renewed) }
    }

    /// Ends the uploads and exports that it began.
    private func letGo() {
        server.abandon(uploads)
        uploads = []
        server.exports?.end(exports)
        exports = []
    }
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
        if let identity {
            guard isAllowed(command, identity, connection.loop.engine, &outbox.writer) else { return .answered }
        } else if !command.needsNoAuthentication {
            outbox.writer.error(.noAuthentication, "Authentication required.")
            return .answered
        }
        switch command {
        case .alloc(let arguments):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return allocate(arguments, holdMilliseconds: nil, decoder, bytes, engine, &outbox)
        case .allocMany(let campaign, let firstUser):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return allocateMany(
                bytes.extracting(decoder.argument(campaign)), decoder.arguments(from: firstUser), bytes,
                engine, on: connection, &outbox)
        case .hold(let arguments, let milliseconds):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return allocate(arguments, holdMilliseconds: milliseconds, decoder, bytes, engine, &outbox)
        case .confirm(let arguments):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return endHold(.confirmed, arguments, decoder, bytes, engine, &outbox)
        case .release(let arguments):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return endHold(.released, arguments, decoder, bytes, engine, &outbox)
        case .preview(let campaign, let user):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            let userRange = user.map { decoder.argument($0) } ?? 0..<0
            return preview(
                bytes.extracting(decoder.argument(campaign)), bytes.extracting(userRange), engine, &outbox)
        case .userHistory(let user):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return history(of: bytes.extracting(decoder.argument(user)), engine, on: connection, &outbox)
        case .codeFind(let code):
            guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
            return find(bytes.extracting(decoder.argument(code)), engine, on: connection, &outbox)
        default: break
        }
        if let outcome = runAboutConnection(command, decoder, bytes, on: connection, &outbox.writer) {
            return outcome
        }
        guard let engine = connection.loop.engine else { return loading(&outbox.writer) }
        return runOperator(command, decoder, bytes, engine, on: connection, &outbox)
    }

    @discardableResult
    func loading(_ writer: inout ReplyWriter) -> SessionOutcome {
        if server.isStopping {
            writer.error(.shutdown, "the server is going down")
        } else {
            writer.error(.loading, "the server is recovering its data: \(server.progressText)")
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

    /// The terms of a campaign that whoever is logged in may use.
    ///
    /// - Returns: nil when an error was written.
    func terms(
        ofCampaign name: Span<UInt8>, _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> CampaignTerms? {
        let terms = engine.terms(ofCampaign: name)
        if let identity, let reach = identity.reach {
            let text = terms?.campaignName ?? "\(EscapedText(name))"
            guard reach.reaches(campaign: text, of: terms?.listName) else {
                outbox.writer.error(.noPermission, Self.refusal(ofCampaign: text, identity))
                return nil
            }
        }
        if terms == nil { outbox.writer.error(.noCampaign, "no campaign '\(EscapedText(name))'") }
        return terms
    }

    /// Whether whoever is logged in may have codes of a campaign.
    func reaches(_ terms: CampaignTerms) -> Bool {
        identity?.reach?.reaches(campaign: terms.campaignName, of: terms.listName) ?? true
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
