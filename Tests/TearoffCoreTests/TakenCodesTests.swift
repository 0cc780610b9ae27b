import Testing

@testable import TearoffCore

@Suite("Codes that users got while a run was made are found in it, each once")
struct TakenCodesTests {
    /// Goal: a look finds what has an owner by then and no look found, whatever became of the owner since. Method: an
    /// old upload of three strips against a run that has every second code of it, in another order.
    @Test func eachLookFindsWhatIsNew() throws {
        let old = Upload(id: UploadID(rawValue: 0), list: ListID(rawValue: 0), codes: try codeRun(10_000))
        var reader = UploadReader(seed: 5)
        for number in stride(from: 9_998, through: 0, by: -2) {
            try reader.consume(bytes("C\(number)\n").span)
        }
        let made = try reader.finish(id: UploadID(rawValue: 1), skipBad: false, earlier: { _ in nil })
        let run = try #require(made)
        func owner(_ row: UInt32) throws -> CodeOwner { try #require(CodeOwner(rawValue: 1 + row)) }
        func give(_ ordinal: Ordinal, to row: UInt32) throws {
            let place = old.position(of: ordinal)
            #expect(place.strip.setOwner(try owner(row), at: place.position))
        }
        var taken = TakenCodes(of: [old])
        #expect(taken.look(in: run).isEmpty)
        try give(0, to: 0)
        try give(1, to: 1)
        try give(9_998, to: 2)
        #expect(
            taken.look(in: run) == [4_999, 0], "judged as free, and given before the first look that sees it")
        let place = old.position(of: 0)
        place.strip.removeOwner(try owner(0), at: place.position)
        try give(0, to: 3)
        try give(4_096, to: 4)
        #expect(taken.look(in: run) == [(9_998 - 4_096) / 2])
        #expect(taken.look(in: run).isEmpty)
    }
}
