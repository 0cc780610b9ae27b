import TearoffEngine
import Testing

/// `Tests/Golden/v1`, made once by `tools/make-golden`, is never written again.
let expectedSummary = [
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

@Suite("A data directory of every format version is read for ever")
struct GoldenTests {
    /// Goal: a directory that an earlier version wrote says the same. Method: recover a copy of it.
    @Test func versionOneIsReadBackWhole() throws {
        let golden = try GoldenDirectory(version: "v1")
        let state = try Recovery.run(try golden.open().source())
        #expect(state.summary == expectedSummary)
        #expect(state.notices.isEmpty)
        #expect(state.counters.rowsFromSnapshot == 6)
    }

    /// Goal: the log says the same as snapshot and log together. Method: recover without the snapshot.
    @Test func theLogAloneSaysTheSame() throws {
        let golden = try GoldenDirectory(version: "v1")
        try golden.removeSnapshots()
        let state = try Recovery.run(try golden.open().source())
        #expect(state.summary == expectedSummary)
        #expect(state.counters.rowsFromLog == 12)
    }
}
