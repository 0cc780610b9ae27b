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
    /// The campaign of the last `ALLOC`, so that a burst does not look it up each time.
    private var latestCampaign = LatestCampaign()

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

/// A campaign by the bytes of its name, good as long as the loop's catalog is the same.
private struct LatestCampaign {
    private var name: [UInt8] = []
    private var generation: UInt64 = 0
    private var campaign: Campaign?

    mutating func find(_ name: Span<UInt8>, in engine: LoopEngine) -> Campaign? {
        if generation == engine.catalogGeneration, let campaign, self.name.span.hasSameBytes(as: name) {
            return campaign
        }
        self.name = name.copy
        generation = engine.catalogGeneration
        campaign = String(validating: self.name, as: UTF8.self).flatMap { engine.catalog.campaign(named: $0) }
        return campaign
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
        guard isAuthenticated || command.needsNoAuthentication else {
            outbox.writer.error(.noAuthentication, "Authentication required.")
            return .answered
        }
        if case .alloc(let campaign, let user, let userID, let full) = command {
            guard let engine = connection.loop.engine else { return loading(&outbox) }
            return allocate(
                engine, campaign: bytes.extracting(decoder.argument(campaign)),
                user: bytes.extracting(decoder.argument(user)),
                userID: bytes.extracting(userID.map { decoder.argument($0) } ?? 0..<0), full: full, &outbox)
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
        _ engine: LoopEngine, campaign name: Span<UInt8>, user: Span<UInt8>, userID: Span<UInt8>, full: Bool,
        _ outbox: inout Outbox
    ) -> SessionOutcome {
        if engine.isBatchFull { return .batchFull }
        guard let campaign = latestCampaign.find(name, in: engine) else {
            outbox.writer.error(.noCampaign, "no campaign '\(EscapedText(name))'")
            return .answered
        }
        let start = outbox.count
        switch engine.allocate(campaign: campaign, user: user, userID: userID) {
        case .given(let allocation):
            write(allocation, full: full, engine, to: &outbox.writer)
            if allocation.frame != .none { outbox.hold(from: start, until: allocation.frame) }
            return .answered
        case .refused(let refusal):
            outbox.writer.error(refusal, campaign: campaign.name)
            return .answered
        case .parked(let frame):
            return .parked(frame)
        }
    }

    private func write(
        _ allocation: Allocation, full: Bool, _ engine: LoopEngine, to writer: inout ReplyWriter
    ) {
        let upload = engine.upload(allocation.code.upload)
        guard full else {
            upload.codes.withCode(at: allocation.code.ordinal) { writer.bulk($0) }
            return
        }
        let list = engine.catalog[upload.list]
        writer.map(6)
        writer.bulk("code")
        upload.codes.withCode(at: allocation.code.ordinal) { writer.bulk($0) }
        writer.bulk("status")
        writer.bulk(allocation.isRepeat ? "repeat" : "new")
        writer.bulk("given-at")
        writer.bulk(allocation.givenAt.iso8601)
        writer.bulk("expires-at")
        writer.bulkOrNull(list.expiresAt)
        writer.bulk("list")
        writer.bulk(list.name)
        writer.bulk("ordinal")
        writer.integer(Int64(allocation.code.ordinal))
    }
}
