import TearoffCore

/// A catalog with one list and one campaign, as an operator would make it.
///
/// The list gives one code many times over: it takes a moment to make, and is given from as any other.
struct Supply {
    let records: [ControlRecord]
    let catalog: Catalog

    /// The time of all that happens: nothing expires, and known users get their codes again.
    static let now = Timestamp(milliseconds: 1_800_000_000_000)
    static let day = Day.utc(containing: now)

    init(codes: Int) throws {
        var catalog = Catalog()
        var records: [ControlRecord] = []
        func apply(_ more: [ControlRecord]) {
            for record in more { catalog.apply(record) }
            records += more
        }
        let kind = List.Kind.fixed(code: Array("SUMMER-4711".utf8), limit: UInt32(codes))
        apply(
            try catalog.decideCreateList(
                name: "list", kind: kind, expiresAt: nil, warnAt: nil, now: Self.now))
        apply(
            try catalog.decideCreateCampaign(
                name: "campaign", list: "list", rule: .standard, now: Self.now))
        self.records = records
        self.catalog = catalog
    }

    static let campaign = CampaignID(rawValue: 0)

    var terms: CampaignTerms { catalog.terms(of: Self.campaign) }

    var upload: Upload { catalog[UploadID(rawValue: 0)] }

    /// What the log keeps of user `number`, when each got the code of the same number.
    ///
    /// - Parameter shardCount: users go round the shards.
    static func record(ofUser number: Int, shardCount: Int) -> AllocationRecord {
        AllocationRecord(
            shard: ShardID(rawValue: UInt16(number % shardCount)),
            sequence: SequenceNumber(rawValue: UInt64(number / shardCount + 1)), givenAt: now,
            campaign: campaign, code: CodeID(upload: UploadID(rawValue: 0), ordinal: Ordinal(number)),
            user: Users.key(number))
    }
}
