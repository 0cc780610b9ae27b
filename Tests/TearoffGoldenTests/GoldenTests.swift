import TearoffEngine
import TearoffStorage
import Testing

/// The directories in `Tests/Golden`, each made once by the `tools/make-golden` of its time, are never written again.
enum GoldenVersion: String, CaseIterable {
    case v1, v2
    /// As the second one, encrypted with the key in `Tests/Golden/key`, which is for tests only.
    case v2k
    /// Of the second version too, from when all of it was written: each kind of record, change, chunk and event.
    case v2Whole = "v2-whole"

    /// Everything that the directory says.
    var expectedSummary: [String] {
        switch self {
        case .v1: Self.summaryOfV1
        case .v2, .v2k: Self.summaryOfV2
        case .v2Whole: Self.summaryOfV2Whole
        }
    }

    /// Whether the log reaches back to the beginning; else there is a snapshot before it.
    var logSaysAll: Bool { self != .v2Whole }

    var rowsOfSnapshot: UInt64 {
        switch self {
        case .v1: 6
        case .v2, .v2k: 11
        case .v2Whole: 21
        }
    }

    private static let summaryOfV1 = [
        "list summer uploaded 42 free 35 expires 2099-12-31T23:59:59.999Z warn 2",
        "list welcome uploaded 1000 free 995 expires never warn never",
        "campaign mail of summer once active",
        "campaign push of summer always stopped",
        "campaign greet of welcome window(milliseconds: 86400000) active",
        "given HELLO10 #0 to u1 () by greet",
        "given HELLO10 #1 to sixteen-bytes-id () by greet",
        "given HELLO10 #2 to 0b5e7a52-93c1-4e0e-8a51-2f6d7c9e1a34 () by greet",
        "given HELLO10 #3 to 0B5E7A52-93C1-4E0E-8A51-2F6D7C9E1A34 () by greet",
        "given HELLO10 #4 to someone.with.a.long.address@example.com () by greet",
        "given SUMMER000 #0 to u1 (m-0) by mail",
        "given SUMMER001 #1 to sixteen-bytes-id (m-1) by mail",
        "given SUMMER002 #2 to 0b5e7a52-93c1-4e0e-8a51-2f6d7c9e1a34 (m-2) by mail",
        "given SUMMER003 #3 to 0B5E7A52-93C1-4E0E-8A51-2F6D7C9E1A34 (m-3) by mail",
        "given SUMMER004 #4 to someone.with.a.long.address@example.com (m-4) by mail",
        "given SUMMER005 #5 to u1 () by push",
        "given SUMMER006 #6 to u1 () by push",
    ]

    private static let summaryOfV2 = [
        "list summer uploaded 46 free 29 expires 2099-12-31T23:59:59.999Z warn 2",
        "list hello uploaded 2495 free 1495 expires never warn 900",
        "campaign mail of summer once active",
        "campaign push of summer always stopped",
        "campaign greet of hello window(milliseconds: 86400000) active",
        "campaign book of summer once reuse active",
        "campaign trust of summer untilExpiry active",
        "campaign flash of summer window(milliseconds: 86400000) active",
        "given HELLO10 #0 to u1 () by greet",
        "given HELLO10 #1 to sixteen-bytes-id () by greet",
        "given HELLO10 #2 to 0b5e7a52-93c1-4e0e-8a51-2f6d7c9e1a34 () by greet",
        "given HELLO10 #3 to 0B5E7A52-93C1-4E0E-8A51-2F6D7C9E1A34 () by greet",
        "given HELLO10 #4 to someone.with.a.long.address@example.com () by greet",
        "given SUMMER000 #0 to u1 (m-0) by mail",
        "given SUMMER001 #1 to sixteen-bytes-id (m-1) by mail",
        "given SUMMER002 #2 to 0b5e7a52-93c1-4e0e-8a51-2f6d7c9e1a34 (m-2) by mail",
        "given SUMMER003 #3 to 0B5E7A52-93C1-4E0E-8A51-2F6D7C9E1A34 (m-3) by mail",
        "given SUMMER004 #4 to someone.with.a.long.address@example.com (m-4) by mail",
        "given SUMMER005 #5 to u1 () by push",
        "given SUMMER007 #7 to given () by book",
        "given SUMMER009 #9 to later () by book",
        "given SUMMER012 #12 to u1 () by push",
        "held SUMMER006 #6 to stays () by book",
        "held SUMMER008 #8 to again () by book",
        "lapsed SUMMER011 #11 to over () by trust",
        "released SUMMER008 #8 to back () by book",
        "released SUMMER010 #10 to burned (m-9) by trust",
        "audit 1 default LIST CREATE summer:  -> kind=unique expires=2099-12-31T23:59:59.999Z warn=2",
        "audit 2 default LIST LOAD summer: uploaded=0 -> uploaded=40 upload=0 codes=40 file=\"summer.txt\"",
        "audit 3 default LIST CREATE welcome:  -> "
            + "kind=fixed code=*** limit=1000 expires=never warn=never upload=1",
        "audit 4 default CAMPAIGN CREATE mail:  -> list=summer retrigger=once returns=quarantine",
        "audit 5 default CAMPAIGN CREATE push:  -> list=summer retrigger=always returns=quarantine",
        "audit 6 default CAMPAIGN CREATE greet:  -> list=welcome retrigger=window 24h returns=quarantine",
        "audit 7 default CAMPAIGN CREATE book:  -> list=summer retrigger=window 24h returns=reuse",
        "audit 8 default CAMPAIGN CREATE trust:  -> list=summer retrigger=window 24h returns=quarantine",
        "audit 9 default CAMPAIGN SET trust: retrigger=window 24h -> retrigger=until-expiry",
        "audit 10 default LIST LOAD summer: uploaded=40 -> uploaded=42 upload=2 codes=2 file=\"summer.txt\"",
        "audit 11 default LIST UNDO summer:  -> withdrawn=2",
        "audit 12 default LIST SET summer: per-user=none -> per-user=9",
        "audit 13 default CAMPAIGN CREATE flash:  -> "
            + "list=summer retrigger=window 24h returns=quarantine start=2026-01-01T00:00:00.000Z end=2099-12-30T23:59:59.999Z validity=30 quota=5 day-quota=4 rate=3 overflow=welcome test=on",
        "audit 14 default SNAPSHOT : snapshot=0 -> snapshot=1",
        "audit 15 default LIST LOAD summer: uploaded=42 -> uploaded=44 upload=3 codes=2 file=\"summer.txt\"",
        "audit 16 default CAMPAIGN FINISH push: state=active -> state=finished reason=stopped",
        "audit 17 default LIST SET welcome: name=welcome -> name=hello",
        "audit 18 default LIST SET hello: warn=never -> warn=900",
        "audit 19 default CAMPAIGN SET book: retrigger=window 24h -> retrigger=once",
        "audit 20 default CAMPAIGN SET flash: validity=30 test=on -> validity=7 test=off",
        "audit 21 default LIST SET hello: stop=none -> stop=2",
        "audit 22 default LIST LOAD summer: uploaded=44 -> uploaded=46 upload=4 codes=2 file=\"summer.txt\"",
        "audit 23 default LIST UNDO summer:  -> withdrawn=4",
        "audit 24 default LIST SET hello: kind=fixed code=*** limit=1000 -> "
            + "kind=fixed code=*** limit=1500 upload=5 codes=1495",
    ]
}

@Suite("A data directory of every format version is read for ever")
struct GoldenTests {
    /// Goal: a directory that an earlier version wrote says the same. Method: recover a copy of it.
    @Test(arguments: GoldenVersion.allCases)
    func everyVersionIsReadBackWhole(version: GoldenVersion) throws {
        let golden = try GoldenDirectory(version)
        let state = try Recovery.run(try golden.open().source())
        #expect(state.summary == version.expectedSummary)
        #expect(state.notices.isEmpty)
        #expect(state.counters.rowsFromSnapshot == version.rowsOfSnapshot)
    }

    /// Goal: the log says the same as snapshot and log together. Method: recover without the snapshot.
    @Test(arguments: GoldenVersion.allCases.filter(\.logSaysAll))
    func theLogAloneSaysTheSame(version: GoldenVersion) throws {
        let golden = try GoldenDirectory(version)
        try golden.removeSnapshots()
        let state = try Recovery.run(try golden.open().source())
        #expect(state.summary == version.expectedSummary)
        #expect(state.counters.rowsFromLog == (version == .v1 ? 12 : 19))
    }

    /// Goal: a directory that is opened is of the present version from then on, so that no older program takes for
    /// damage what it does not know. Method: its IDENTITY before and behind, and a second opening.
    @Test func anOlderDirectoryBecomesOfThePresentVersion() throws {
        let golden = try GoldenDirectory(.v1)
        #expect(try golden.identity().hasPrefix("tearoff 1\n"))
        _ = try golden.open()
        #expect(try golden.identity().hasPrefix("tearoff \(DataIdentity.formatVersion)\n"))
        #expect(try Recovery.run(try golden.open().source()).summary == GoldenVersion.v1.expectedSummary)
    }
}
