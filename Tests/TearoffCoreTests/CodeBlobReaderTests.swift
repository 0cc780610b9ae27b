import TearoffCore
import Testing

@Suite("A blob's codes come back as they were written, or not at all")
struct CodeBlobReaderTests {
    private static let id = UploadID(rawValue: 3)

    private static func read(_ pieces: [[UInt8]], count: Int) throws -> [[UInt8]] {
        var reader = CodeBlobReader(id: id, count: count)
        for piece in pieces { try reader.consume(piece) }
        try reader.finish()
        let strips = reader.takeStrips()
        #expect(strips.allSatisfy { $0.upload == id })
        return strips.flatMap { strip -> [[UInt8]] in
            (0..<strip.count).map { position in strip.withCode(at: position) { bytes(of: $0) } }
        }
    }

    /// Goal: pieces may end anywhere. Method: every cut of a blob in two, with codes of 1 to 255 bytes.
    @Test func everySplitGivesTheSameCodes() throws {
        let codes = ["1", "zwei", String(repeating: "x", count: 255), "ünï", "5"].map { bytes($0) }
        let blob: [UInt8] = codes.reduce(into: []) { $0 += $1 + [0x0A] }
        for cut in 0...blob.count {
            #expect(try Self.read([Array(blob[..<cut]), Array(blob[cut...])], count: 5) == codes)
        }
    }

    /// Goal: strips are full but the last, and numbered. Method: two strips and a bit.
    @Test func stripsAreCutAtTheirCapacity() throws {
        let count = 2 * Strip.capacity + 5
        var reader = CodeBlobReader(id: Self.id, count: count)
        try reader.consume(bytes((0..<count).map { "C\($0)\n" }.joined()))
        #expect(reader.strips.count == 2, "the last one is not whole yet")
        try reader.finish()
        let strips = reader.takeStrips()
        #expect(strips.map(\.count) == [Strip.capacity, Strip.capacity, 5])
        #expect(strips.map { Int($0.firstOrdinal) } == [0, Strip.capacity, 2 * Strip.capacity])
        #expect(reader.strips.isEmpty)
    }

    /// Goal: what no upload wrote is refused. Method: empty and long codes, one without its newline, one too
    /// many.
    @Test func whatIsNoBlobIsRefused() {
        let long = String(repeating: "x", count: 256)
        for (text, failure) in [
            ("a\n\nb\n", CodeBlobReader.Failure.noCode(1)), ("\n", .noCode(0)), ("a\n\(long)\n", .noCode(1)),
            (long, .noCode(0)), ("a\nb", .noCode(1)), ("a\nb\nc\n", .tooManyCodes),
        ] {
            #expect(throws: failure, "\(text)") { _ = try Self.read([bytes(text)], count: 2) }
            #expect(throws: failure, "\(text)") {
                _ = try Self.read(bytes(text).map { [$0] }, count: 2)
            }
        }
    }

    /// Goal: of two equal codes the earlier one is in the index, wherever its block is. Method: equal codes
    /// in one block and in two.
    @Test func theEarlierOfTwoEqualCodesStays() throws {
        let numbers = Array(0..<Strip.capacity) + [7, 9_000, 9_000, 4]
        var reader = CodeBlobReader(id: Self.id, count: numbers.count)
        try reader.consume(bytes(numbers.map { "C\($0)\n" }.joined()))
        try reader.finish()
        let strips = reader.takeStrips()
        let first = Ordinal(Strip.capacity)
        for blocks in [[strips], strips.map { [$0] }] {
            var builder = CodeIndexBuilder(capacity: numbers.count, seed: 5)
            for block in blocks {
                builder.add(block, earlier: { $0.hasSameBytes(as: bytes("C4").span) ? .inList : nil })
            }
            #expect(builder.count == numbers.count)
            #expect(builder.duplicates.map(\.ordinal) == [4, first, first + 2, first + 3])
            let faults: [LineFault] = [
                .duplicateInList, .duplicateInFile, .duplicateInFile, .duplicateInList,
            ]
            #expect(builder.duplicates.map(\.fault) == faults)
            let run = builder.finish()
            #expect(run.ordinal(of: bytes("C7").span) == 7)
            #expect(run.ordinal(of: bytes("C9000").span) == first + 1)
            #expect(run.ordinal(of: bytes("C4").span) == nil)
        }
    }
}
