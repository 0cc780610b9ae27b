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

    init(id: UInt64, address: String, server: ServerState) {
        self.id = id
        self.address = address
        self.server = server
        isAuthenticated = server.settings.password == nil
    }

    var decoderLimits: DecoderLimits { isAuthenticated ? .standard : .unauthenticated }

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
            return allocate(arguments, decoder, bytes, engine, &outbox)
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

    private func allocate(
        _ arguments: AllocArguments, _ decoder: borrowing CommandDecoder, _ bytes: Span<UInt8>,
        _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> SessionOutcome {
        let name = bytes.extracting(decoder.argument(arguments.campaign))
        guard let terms = engine.terms(ofCampaign: name) else {
            outbox.writer.error(.noCampaign, "no campaign '\(EscapedText(name))'")
            return .answered
        }
        if engine.isBatchFull { return .again(.batchFull) }
        let user = bytes.extracting(decoder.argument(arguments.user))
        let userID = bytes.extracting(arguments.userID.map { decoder.argument($0) } ?? 0..<0)
        let outcome = engine.withTick { tick in
            engine.allocate(
                engine.request(user, terms: terms), terms: terms, at: engine.moment, user: user, userID: userID,
                in: &tick)
        }
        return answer(outcome, terms, isFull: arguments.isFull, engine, &outbox).map { .again($0) } ?? .answered
    }

    /// Writes the reply to an `ALLOC`.
    ///
    /// - Returns: nil when there is one; else why the command is to be run again.
    func answer(
        _ outcome: borrowing AllocationOutcome, _ terms: CampaignTerms, isFull: Bool, _ engine: LoopEngine,
        _ outbox: inout Outbox
    ) -> CommandStream.Stall? {
        switch outcome {
        case .given(let allocation):
            if allocation.frame != .none { outbox.hold(from: outbox.count, until: allocation.frame) }
            if isFull {
                write(allocation, terms, engine, to: &outbox.writer)
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

    private func write(
        _ allocation: Allocation, _ terms: CampaignTerms, _ engine: LoopEngine, to writer: inout ReplyWriter
    ) {
        writer.map(6)
        writer.bulk("code")
        allocation.place.strip.withCode(at: allocation.place.position) { writer.bulk($0) }
        writer.bulk("status")
        writer.bulk(allocation.isRepeat ? "repeat" : "new")
        writer.bulk("given-at")
        writer.bulk(allocation.givenAt)
        writer.bulk("expires-at")
        writer.bulkOrNull(terms.expiresAt)
        writer.bulk("list")
        writer.bulk(terms.listName)
        writer.bulk("ordinal")
        writer.integer(Int64(allocation.code.ordinal))
    }
}
