import Testing

@testable import TearoffCore

@Suite("The catalog: operators' commands become records or are refused by name")
struct CatalogTests {
    private static func error(_ body: () throws(CatalogError) -> some Any) -> CatalogError? {
        do throws(CatalogError) {
            _ = try body()
            return nil
        } catch { return error }
    }

    /// Goal: each refusal of lists and campaigns. Method: one command each against a small catalog.
    @Test func impossibleCommandsAreRefused() throws {
        var supply = try Supply(codes: 1, expiresAt: instant(100))
        let catalog = supply.catalog
        func create(_ name: String, _ expiry: UInt64?, now: UInt64) -> CatalogError? {
            Self.error { () throws(CatalogError) in
                try catalog.decideCreateList(
                    name: name, kind: .unique, expiresAt: expiry.map(instant), warnAt: nil, now: instant(now))
            }
        }
        #expect(create("l", nil, now: 0) == .listExists("l"))
        #expect(create("m", 9, now: 10) == .expiryInThePast)
        #expect(create("m", 10, now: 10) == nil)
        #expect(Self.error { () throws(CatalogError) in try catalog.checkUpload(to: "m") } == .noList("m"))
        func expiry(_ name: String, _ at: UInt64, now: UInt64) -> CatalogError? {
            Self.error { () throws(CatalogError) in
                try catalog.decideSetExpiry(list: name, expiresAt: instant(at), now: instant(now))
            }
        }
        #expect(expiry("m", 9, now: 0) == .noList("m"))
        #expect(expiry("l", 9, now: 10) == .expiryInThePast)
        func campaign(_ name: String, _ list: String, now: UInt64) -> CatalogError? {
            Self.error { () throws(CatalogError) in
                try catalog.decideCreateCampaign(name: name, list: list, rule: .once, now: instant(now))
            }
        }
        #expect(campaign("d", "m", now: 0) == .noList("m"))
        #expect(campaign("c", "l", now: 0) == .campaignExists("c"))
        #expect(campaign("d", "l", now: 101) == .listExpired("l"))
        #expect(campaign("d", "l", now: 100) == nil)
        try supply.apply(
            catalog.decideCreateList(
                name: "f", kind: .fixed(code: bytes("X"), limit: 5), expiresAt: nil, warnAt: 2, now: .zero))
        let grown = supply.catalog
        #expect(Self.error { () throws(CatalogError) in try grown.checkUpload(to: "f") } == .listIsFixed("f"))
        #expect(grown.list(named: "f")?.warnAt == 2 && grown.list(named: "f")?.uploadedCount == 5)
    }

    /// Goal: finishing and resuming. Method: each state against each command.
    @Test func resumingNeedsSomethingToGive() throws {
        var supply = try Supply(codes: 0)
        func resume(_ catalog: Catalog, now: UInt64) -> CatalogError? {
            Self.error { () throws(CatalogError) in try catalog.decideResume(campaign: "c", now: instant(now))
            }
        }
        func finish(_ catalog: Catalog, _ name: String) -> CatalogError? {
            Self.error { () throws(CatalogError) in try catalog.decideFinish(campaign: name, now: instant(1))
            }
        }
        #expect(finish(supply.catalog, "x") == .noCampaign("x"))
        #expect(resume(supply.catalog, now: 1) == .alreadyActive("c"))
        try supply.apply(supply.catalog.decideFinish(campaign: "c", now: instant(3)))
        #expect(supply.catalog[supply.campaign].state == .finished(.stopped, at: instant(3)))
        #expect(finish(supply.catalog, "c") == .alreadyFinished("c"))
        #expect(resume(supply.catalog, now: 4) == .listExhausted("l"))
        try supply.refill(1)
        #expect(!supply.catalog[supply.campaign].isActive, "a refill alone does not restart")
        try supply.apply(supply.catalog.decideSetExpiry(list: "l", expiresAt: instant(10), now: instant(4)))
        #expect(resume(supply.catalog, now: 11) == .listExpired("l"))
        #expect(!supply.catalog[supply.campaign].isActive, "a new expiry alone does not restart")
        try supply.apply(supply.catalog.decideResume(campaign: "c", now: instant(10)))
        #expect(supply.catalog[supply.campaign].isActive)
        let missing = Self.error { () throws(CatalogError) in
            try supply.catalog.decideResume(campaign: "x", now: .zero)
        }
        #expect(missing == .noCampaign("x"))
    }

    /// Goal: deadlines finish campaigns, once and not early. Method: at the last millisecond and after it.
    @Test func campaignsFinishAtTheDeadline() throws {
        var supply = try Supply(codes: 1, expiresAt: instant(100))
        try supply.apply(
            supply.catalog.decideCreateList(
                name: "m", kind: .unique, expiresAt: instant(50), warnAt: nil, now: .zero))
        #expect(supply.catalog.nextExpiry == instant(100), "a list without a campaign has no deadline")
        try supply.apply(supply.catalog.decideCreateCampaign(name: "d", list: "m", rule: .once, now: .zero))
        #expect(supply.catalog.nextExpiry == instant(50))
        #expect(supply.catalog.decideExpiries(now: instant(50)).isEmpty)
        let records = supply.catalog.decideExpiries(now: instant(51))
        let second = CampaignID(rawValue: 1)
        #expect(records == [ControlRecord(.campaignFinished(id: second, reason: .expired), at: instant(51))])
        supply.apply(records)
        #expect(supply.catalog.nextExpiry == instant(100))
        #expect(supply.catalog.decideExpiries(now: instant(60)).isEmpty)
        supply.apply(supply.catalog.decideExpiries(now: instant(101)))
        #expect(supply.catalog.nextExpiry == nil && supply.catalog.campaigns.allSatisfy { !$0.isActive })
    }

    /// Goal: exhaustion finishes every campaign of the list. Method: claim the last code between two
    /// questions.
    @Test func anEmptyListFinishesItsCampaigns() throws {
        var supply = try Supply(codes: 1)
        try supply.apply(supply.catalog.decideCreateCampaign(name: "d", list: "l", rule: .once, now: .zero))
        #expect(supply.catalog.decideExhaustion(of: supply.list, held: { _ in 0 }, now: instant(1)).isEmpty)
        #expect(supply.pool.claim()?.remaining == 0)
        supply.apply(supply.catalog.decideExhaustion(of: supply.list, held: { _ in 0 }, now: instant(2)))
        for campaign in supply.catalog.campaigns(of: supply.list) {
            #expect(campaign.state == .finished(.exhausted, at: instant(2)))
        }
        #expect(supply.catalog.decideExhaustion(of: supply.list, held: { _ in 0 }, now: instant(3)).isEmpty)
    }

    /// Goal: a lapse is remembered only when it happened. Method: prolonged in time, late, and to never.
    @Test func onlyAPassedExpiryIsALapse() throws {
        var supply = try Supply(codes: 1, expiresAt: instant(100))
        func expiry(_ at: UInt64?, now: UInt64) throws {
            supply.apply(
                try supply.catalog.decideSetExpiry(list: "l", expiresAt: at.map(instant), now: instant(now)))
        }
        try expiry(200, now: 100)
        #expect(supply.catalog[supply.list].lapsedAt == nil)
        try expiry(300, now: 201)
        #expect(supply.catalog[supply.list].lapsedAt == instant(200))
        try expiry(nil, now: 250)
        #expect(supply.catalog[supply.list].lapsedAt == instant(200))
        #expect(!supply.catalog[supply.list].isExpired(at: instant(.max)))
    }

    /// Goal: copies share the pool; the ledger adds up. Method: two copies of one catalog draw in turn.
    @Test func copiesShareThePool() throws {
        let supply = try Supply(codes: 4)
        let copy = supply
        #expect(supply.pool.claim()?.code == code(0) && copy.pool.claim()?.code == code(1))
        let list = supply.catalog[supply.list]
        var ledger = Ledger(uploaded: list.uploadedCount, free: list.pool.totalFree, given: 2)
        #expect(ledger.holds)
        ledger.burned = 1
        #expect(!ledger.holds)
    }

    /// Goal: a snapshot's records and lapses lead to the same catalog. Method: every kind of state,
    /// condensed, built anew and condensed again.
    @Test func condensedRecordsBuildTheSameCatalog() throws {
        var supply = try Supply(codes: 3, expiresAt: instant(100))
        let fixed = List.Kind.fixed(code: bytes("X"), limit: 5)
        try supply.apply(
            supply.catalog.decideCreateList(
                name: "f", kind: fixed, expiresAt: nil, warnAt: 2, now: instant(1)))
        try supply.refill(2, at: instant(2))
        try supply.apply(
            supply.catalog.decideCreateCampaign(name: "d", list: "f", rule: .always, now: instant(3)))
        for (code, limit) in [("X", UInt32(4)), ("Y", 4), ("Y", 3)] {
            try supply.apply(
                supply.catalog.decideSetFixed(
                    list: "f", code: bytes(code), limit: limit, taken: { _ in 3 }, now: instant(4)))
        }
        #expect(supply.catalog.list(named: "f")?.uploads.map(\.count) == [5, 1, 1, 0])
        supply.apply(supply.catalog.decideExpiries(now: instant(101)))
        try supply.apply(
            supply.catalog.decideSetExpiry(list: "l", expiresAt: instant(500), now: instant(102)))
        let condensed = supply.catalog.condensed
        #expect(condensed.lapses == [Catalog.Lapse(list: supply.list, at: instant(100))])
        var again = Catalog()
        for record in condensed.records {
            guard case .uploadCommitted(let upload) = record.change else {
                again.apply(record)
                continue
            }
            again.apply(record, codes: supply.catalog[upload.id].codes)
        }
        for lapse in condensed.lapses { again.restoreLapse(lapse.at, of: lapse.list) }
        #expect(again.condensed == condensed)
        #expect(again.lists.map(\.uploads) == supply.catalog.lists.map(\.uploads))
        #expect(again.lists.map(\.kind) == supply.catalog.lists.map(\.kind))
        #expect(again[supply.list].pool.totalFree == 5 && again.nextUploadID == supply.catalog.nextUploadID)
    }

    /// Goal: one change withdraws no more uploads than fit a frame. Method: one more than that.
    @Test func soManyUploadsAreReplacedAtOnce() throws {
        var supply = try Supply(codes: 0)
        for _ in 0..<Limits.withdrawalsPerChange { try supply.refill(1) }
        _ = try supply.catalog.checkUpload(to: "l", replaces: true)
        try supply.refill(1)
        let catalog = supply.catalog
        _ = try catalog.checkUpload(to: "l")
        #expect(
            Self.error { () throws(CatalogError) in try catalog.checkUpload(to: "l", replaces: true) }
                == .tooMany(what: "uploads to replace", maximum: Limits.withdrawalsPerChange))
    }

    /// Goal: a record that was read back and does not fit is refused. Method: a change of a fixed code, broken in each
    /// way.
    @Test func aFixedCodeThatDoesNotFitIsRefused() throws {
        let supply = try Supply(fixed: "X", limit: 5)
        let unique = try Supply(codes: 1).catalog
        func accepts(_ upload: UInt32, _ limit: UInt32, _ count: UInt32, _ catalog: Catalog) -> Bool {
            catalog.accepts(
                ControlRecord(
                    .fixedCodeChanged(
                        list: ListID(rawValue: 0), upload: UploadID(rawValue: upload), code: bytes("Y"),
                        limit: limit, count: count), at: .zero))
        }
        #expect(accepts(1, 5, 5, supply.catalog) && accepts(1, 5, 0, supply.catalog))
        #expect(!accepts(2, 5, 5, supply.catalog) && !accepts(1, 5, 6, supply.catalog))
        #expect(!accepts(1, Limits.fixedLimit + 1, 1, supply.catalog) && !accepts(1, 5, 5, unique))
        #expect(!accepts(0, 5, 5, Catalog()))
    }

    /// Goal: the bound on lists and campaigns has its refusal. Method: fill one of each to the brim.
    @Test func thereAreBounds() throws {
        var supply = try Supply(codes: 0)
        for number in 1..<Limits.campaigns {
            let id = CampaignID(rawValue: UInt32(number))
            let change = ControlRecord.Change.campaignCreated(
                id: id, name: "c\(number)", list: supply.list, rule: .once)
            supply.catalog.apply(ControlRecord(change, at: .zero))
        }
        let catalog = supply.catalog
        let error = Self.error { () throws(CatalogError) in
            try catalog.decideCreateCampaign(name: "d", list: "l", rule: .once, now: .zero)
        }
        #expect(error == .tooMany(what: "campaigns", maximum: Limits.campaigns))
    }
}
