import Testing

@testable import TearoffCore

/// Steele, Lea and Flood's SplitMix64: the tests' only source of chance, so that a seed replays a run
/// exactly.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func bytes(of span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

func instant(_ milliseconds: UInt64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

let someHash = ContentHash(bytes: [UInt8](repeating: 7, count: ContentHash.byteCount))

/// Codes `C0`, `C1`, … as an upload would have them.
func codeRun(_ count: Int, upload: UInt32 = 0, prefix: String = "C") throws -> CodeRun {
    var reader = UploadReader(seed: 1)
    for number in 0..<count { try reader.consume(bytes("\(prefix)\(number)\n").span) }
    let run = try reader.finish(id: UploadID(rawValue: upload), skipBad: false, earlier: { _ in nil })
    return try #require(run)
}

/// A catalog with one list and one campaign, made as an operator would.
struct Supply {
    var catalog = Catalog()
    let list = ListID(rawValue: 0)
    let campaign = CampaignID(rawValue: 0)

    init(codes: Int, rule: RetriggerRule = .standard, expiresAt: Timestamp? = nil) throws {
        try apply(
            catalog.decideCreateList(name: "l", kind: .unique, expiresAt: expiresAt, warnAt: nil, now: .zero))
        if codes > 0 { try refill(codes) }
        try apply(catalog.decideCreateCampaign(name: "c", list: "l", rule: rule, now: .zero))
    }

    init(fixed code: String, limit: UInt32, rule: RetriggerRule = .standard) throws {
        let kind = List.Kind.fixed(code: bytes(code), limit: limit)
        try apply(catalog.decideCreateList(name: "l", kind: kind, expiresAt: nil, warnAt: nil, now: .zero))
        try apply(catalog.decideCreateCampaign(name: "c", list: "l", rule: rule, now: .zero))
    }

    mutating func apply(_ records: [ControlRecord]) {
        for record in records { catalog.apply(record) }
    }

    mutating func refill(_ count: Int, at now: Timestamp = .zero) throws {
        let id = catalog.nextUploadID
        let run = try codeRun(count, upload: id.rawValue, prefix: "U\(id.rawValue)-")
        let record = ControlRecord(
            .uploadCommitted(
                CommittedUpload(
                    id: id, list: list, count: UInt64(count), blob: someHash, fileHash: someHash, fileName: "f",
                    report: nil)),
            at: now)
        catalog.apply(record, codes: run)
    }

    var pool: Pool { catalog[list].pool }
}

/// What a user got, in terms that an oracle can hold.
enum Answer: Equatable {
    case new(CodeID)
    case again(CodeID)
    case refused(AllocationRefusal)
}

extension Shard {
    static func alone(seed: UInt64 = 5) -> Shard {
        Shard(id: ShardID(rawValue: 0), shardCount: 1, seed: seed)
    }

    /// `ALLOC`: decides, and applies what is new.
    mutating func allocate(
        _ user: String, at now: UInt64, in supply: Supply, campaign: CampaignID = CampaignID(rawValue: 0),
        userID: String = ""
    ) throws -> (answer: Answer, record: AllocationRecord?) {
        let text = bytes(user)
        let key = AllocationKey(campaign: campaign, user: text.span, seed: seed)
        let terms = supply.catalog.terms(of: campaign)
        switch decide(key, bytes: text.span, terms: terms, now: instant(now), day: .utc(containing: instant(now))) {
        case .repeated(let row): return (.again(rows[row].code), nil)
        case .held(let hold): return (.again(rows[hold.row].code), nil)
        case .refused(let refusal): return (.refused(refusal), nil)
        case .new(let due):
            let identity = bytes(userID)
            _ = try apply(due, userBytes: text.span, userID: identity.span)
            return (.new(due.record.code), due.record)
        }
    }

    @discardableResult
    mutating func replay(
        _ record: AllocationRecord, user: String, userID: String = "", in supply: Supply
    ) throws(ApplyError) -> RowNumber {
        let text = bytes(user)
        let identity = bytes(userID)
        return try apply(
            record, userBytes: text.span, userID: identity.span, upload: supply.catalog[record.code.upload])
    }

    mutating func answer(_ user: String, at now: UInt64, in supply: Supply) throws -> Answer {
        try allocate(user, at: now, in: supply).answer
    }
}

extension Shard {
    /// `HOLD`, with its deadline.
    mutating func hold(_ user: String, until deadline: UInt64, at now: UInt64, in supply: Supply) throws {
        let text = bytes(user)
        let key = AllocationKey(campaign: supply.campaign, user: text.span, seed: seed)
        let terms = supply.catalog.terms(of: supply.campaign)
        let decision = decide(
            key, bytes: text.span, terms: terms, now: instant(now), day: .utc(containing: instant(now)),
            holdUntil: instant(deadline))
        if case .new(let due) = decision {
            let nothing: [UInt8] = []
            _ = try apply(due, userBytes: text.span, userID: nothing.span)
        }
    }

    /// `CONFIRM` or `RELEASE`.
    mutating func end(_ reason: HoldEnd.Reason, _ user: String, at now: UInt64, in supply: Supply) {
        let text = bytes(user)
        let key = AllocationKey(campaign: supply.campaign, user: text.span, seed: seed)
        let terms = supply.catalog.terms(of: supply.campaign)
        let decision = decideEnd(reason, of: key, bytes: text.span, terms: terms, now: instant(now))
        if case .pending(let hold) = decision {
            _ = end(hold, reason, returns: .quarantine, now: instant(now))
        }
    }
}

/// What a preview promises, in the terms of ``Answer``.
struct Outlook: Equatable {
    let answer: Answer
    let next: CodeID?
}

extension Shard {
    /// `PREVIEW`.
    ///
    /// - Parameter user: nil for any who was given nothing.
    func preview(_ user: String?, at now: UInt64, in supply: Supply) -> Outlook {
        let text = bytes(user ?? "")
        let key = user.map { _ in AllocationKey(campaign: supply.campaign, user: text.span, seed: seed) }
        let terms = supply.catalog.terms(of: supply.campaign)
        let preview = preview(
            key, bytes: text.span, terms: terms, now: instant(now), day: .utc(containing: instant(now)))
        let answer: Answer? =
            switch preview.ruling {
            case .repeated(let row): .again(rows[row].code)
            case .held(let hold): .again(rows[hold.row].code)
            case .new: preview.next.map { .new($0) }
            case .refused(let refusal): .refused(refusal)
            }
        guard let answer else { preconditionFailure("a new code is promised, and there is none") }
        return Outlook(answer: answer, next: preview.next)
    }
}

func code(_ ordinal: UInt32, upload: UInt32 = 0) -> CodeID {
    CodeID(upload: UploadID(rawValue: upload), ordinal: ordinal)
}
