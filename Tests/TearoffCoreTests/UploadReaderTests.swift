import Testing

@testable import TearoffCore

@Suite("Uploads: the same file gives the same codes, however it arrives")
struct UploadReaderTests {
    private struct Outcome: Equatable {
        var codes: [String]?
        var bad: [BadLine]
        var counts: UploadCounts
    }

    private static func read(
        _ chunks: [[UInt8]], skipBad: Bool = false, inList: Set<String> = []
    ) throws -> Outcome {
        var reader = UploadReader(seed: 9)
        for chunk in chunks { try reader.consume(chunk.span) }
        let run = try reader.finish(id: UploadID(rawValue: 3), skipBad: skipBad) { code in
            let text = String(decoding: bytes(of: code), as: UTF8.self)
            if inList.contains(text) { return .inList }
            return text.hasPrefix("other-") ? .inOtherList(ListID(rawValue: 5)) : nil
        }
        return Outcome(codes: run.map(texts), bad: reader.badLines, counts: reader.counts)
    }

    private static func texts(_ run: CodeRun) -> [String] {
        (0..<Ordinal(run.count)).map { ordinal in
            String(decoding: run.withCode(at: ordinal) { bytes(of: $0) }, as: UTF8.self)
        }
    }

    private static let awkward: [UInt8] =
        bytes("\u{FEFF}ONE\r\n\r\n  \nTWO\nÜBER\r\nA,B\nTWO\n\t\nX\rY\n\r\r\n") + [0xE2, 0x82, 0x0A]
        + [UInt8](repeating: 0x41, count: 255) + [0x0D, 0x0A] + [UInt8](repeating: 0x42, count: 256) + [0x0A]
        + [UInt8](repeating: 0x20, count: 300) + bytes("x\n") + [UInt8](repeating: 0x43, count: 300)
        + bytes(",\nLAST\r")

    /// Goal: chunk borders do not show. Method: an awkward file cut at every byte, and into pieces of each
    /// size.
    @Test func everySplitGivesTheSame() throws {
        let whole = try Self.read([Self.awkward], skipBad: true)
        #expect(whole.codes == ["ONE", "TWO", "ÜBER", String(repeating: "A", count: 255), "LAST"])
        #expect(
            whole.bad == [
                BadLine(line: 6, fault: .comma), BadLine(line: 7, fault: .duplicateInFile),
                BadLine(line: 9, fault: .control), BadLine(line: 10, fault: .control),
                BadLine(line: 11, fault: .invalidUTF8), BadLine(line: 13, fault: .tooLong),
                BadLine(line: 14, fault: .tooLong), BadLine(line: 15, fault: .tooLong),
            ])
        #expect(whole.counts.leftOut.blank == 3 && whole.counts.leftOut.bad == 8 && whole.counts.codes == 5)
        for split in 0...Self.awkward.count {
            let outcome = try Self.read(
                [Array(Self.awkward[..<split]), Array(Self.awkward[split...])], skipBad: true)
            #expect(outcome == whole, "split at \(split)")
        }
        for size in 1...64 {
            let chunks = stride(from: 0, to: Self.awkward.count, by: size).map {
                Array(Self.awkward[$0..<min($0 + size, Self.awkward.count)])
            }
            #expect(try Self.read(chunks, skipBad: true) == whole, "pieces of \(size)")
        }
    }

    /// Goal: all or nothing by default. Method: one bad line among good ones.
    @Test func oneBadLineRefusesAll() throws {
        let outcome = try Self.read([bytes("A\nB\nC D\n")])
        #expect(outcome.codes == nil && outcome.bad == [BadLine(line: 3, fault: .whitespace)])
        #expect(try Self.read([bytes("A\nB\nC D\n")], skipBad: true).codes == ["A", "B"])
    }

    /// Goal: the end of the file needs no newline. Method: with, without, with a lone return.
    @Test(arguments: ["A\nB", "A\nB\n", "A\r\nB\r\n", "A\r\nB\r", "\u{FEFF}A\nB"])
    func theLastLineCounts(file: String) throws {
        let outcome = try Self.read([bytes(file)])
        #expect(outcome.codes == ["A", "B"] && outcome.counts.leftOut.blank == 0)
    }

    /// Goal: no code, no upload. Method: empty, blank, and a BOM alone; a BOM is one only at the file's
    /// start.
    @Test(arguments: ["", "\n\n", "  \n\t", "\u{FEFF}", "\u{FEFF}\n"])
    func aFileWithoutCodesIsNone(file: String) throws {
        let outcome = try Self.read([bytes(file)], skipBad: true)
        #expect(outcome.codes == nil && outcome.counts.codes == 0 && outcome.bad.isEmpty)
    }

    /// Goal: duplicates are told by the right line. Method: across blank and bad lines, in the file and in
    /// the list.
    @Test func duplicatesAreToldByTheirLine() throws {
        let file = bytes("A\n\nB\nA\nx y\nC\n\n\nB\nD\nC\nL\nL\nD\n")
        let expected = [
            BadLine(line: 4, fault: .duplicateInFile), BadLine(line: 5, fault: .whitespace),
            BadLine(line: 9, fault: .duplicateInFile), BadLine(line: 11, fault: .duplicateInFile),
            BadLine(line: 12, fault: .duplicateInList), BadLine(line: 13, fault: .duplicateInList),
            BadLine(line: 14, fault: .duplicateInFile),
        ]
        let refused = try Self.read([file], inList: ["L"])
        #expect(refused.codes == nil && refused.bad == expected)
        let taken = try Self.read([file], skipBad: true, inList: ["L"])
        #expect(taken.codes == ["A", "B", "C", "D"] && taken.bad == expected)
        #expect(taken.counts.leftOut[.duplicateInFile] == 4 && taken.counts.leftOut[.duplicateInList] == 2)
        #expect(taken.counts.codes == 4 && taken.counts.leftOut.blank == 3)
    }

    /// Goal: bad lines are bounded. Method: exactly the limit passes; one more ends the upload with its line.
    @Test func badLinesAreBounded() throws {
        var reader = UploadReader(seed: 1)
        let piece = bytes(String(repeating: ",\n", count: 1_000))
        for _ in 0..<Limits.badLines / 1_000 { try reader.consume(piece.span) }
        #expect(reader.badLines.count == Limits.badLines)
        var failure: UploadReader.Failure?
        do throws(UploadReader.Failure) { try reader.consume(bytes(",\n").span) } catch { failure = error }
        #expect(failure == .tooManyBadLines(line: UInt64(Limits.badLines) + 1))
    }

    /// Goal: duplicates are bounded like other bad lines. Method: more than the limit of one code.
    @Test func duplicatesAreBounded() throws {
        var reader = UploadReader(seed: 1)
        let piece = bytes(String(repeating: "A\n", count: 1_000))
        for _ in 0...Limits.badLines / 1_000 { try reader.consume(piece.span) }
        var failure: UploadReader.Failure?
        do throws(UploadReader.Failure) {
            _ = try reader.finish(id: UploadID(rawValue: 0), skipBad: true, earlier: { _ in nil })
        } catch { failure = error }
        #expect(failure == .tooManyBadLines(line: UInt64(Limits.badLines) + 2))
    }

    /// Goal: of a file that replaces others, lines whose codes users have are left out, each told by its number, and
    /// refuse nothing; other bad lines do. Method: with and without one; then more of them twice.
    @Test func whatUsersHaveIsLeftOut() throws {
        func read(_ text: String, skipBad: Bool, _ reader: inout UploadReader) throws -> CodeRun? {
            reader = UploadReader(seed: 9)
            try reader.consume(bytes(text).span)
            return try reader.finish(id: UploadID(rawValue: 3), skipBad: skipBad, replaces: true) { code in
                bytes(of: code) == bytes("A") || bytes(of: code) == bytes("C") ? .inList : nil
            }
        }
        var reader = UploadReader(seed: 0)
        var run = try read("A\nB\nx y\n", skipBad: false, &reader)
        #expect(run == nil)
        run = try read("A\n\nC\n", skipBad: false, &reader)
        #expect(run == nil, "no code is left")
        run = try read("A\nB\n\nC\n", skipBad: false, &reader)
        #expect(run?.count == 1)
        run = try read("A\nB\n\nx y\nC\nD\nE\nB\nF\nG\n", skipBad: true, &reader)
        let first = try #require(run)
        #expect(Self.texts(first) == ["B", "D", "E", "F", "G"] && reader.counts.codes == 5)
        run = reader.leaveOut([1, 3], of: first)
        let second = try #require(run)
        #expect(Self.texts(second) == ["B", "E", "G"])
        #expect(second.ordinal(of: bytes("G").span) == 2 && second.ordinal(of: bytes("F").span) == nil)
        run = reader.leaveOut([2, 0], of: second)
        let third = try #require(run)
        #expect(Self.texts(third) == ["E"] && reader.counts.codes == 1)
        #expect(reader.counts.leftOut[.duplicateInList] == 6 && reader.counts.leftOut.bad == 8)
        #expect(reader.badLines.map(\.line) == [1, 2, 4, 5, 6, 8, 9, 10])
        #expect(reader.badLines.filter { $0.fault == .duplicateInList }.map(\.line) == [1, 2, 5, 6, 9, 10])
        run = reader.leaveOut([0], of: third)
        #expect(run == nil)
    }

    /// Goal: a code of another list is a bad line that names the list, also of a file that replaces. Method: one such
    /// code, twice; the second one is no duplicate in the file of what is not taken.
    @Test func codesOfOtherListsAreToldByTheirList() throws {
        let file = bytes("A\nother-1\nother-1\n")
        let bad = [2, 3].map { BadLine(line: $0, fault: .inOtherList, otherList: ListID(rawValue: 5)) }
        let refused = try Self.read([file])
        #expect(refused.codes == nil && refused.bad == bad)
        let taken = try Self.read([file], skipBad: true)
        #expect(taken.codes == ["A"] && taken.bad == bad && taken.counts.leftOut[.inOtherList] == 2)
        var reader = UploadReader(seed: 9)
        try reader.consume(file.span)
        let run = try reader.finish(id: UploadID(rawValue: 3), skipBad: false, replaces: true) { code in
            code[0] == UInt8(ascii: "o") ? .inOtherList(ListID(rawValue: 5)) : nil
        }
        #expect(run == nil && MemoryLayout<BadLine>.stride == 16)
    }

    /// Goal: any number of codes may be left out; as many are told as any upload's bad lines. Method: one more than
    /// that, and a bad line behind them.
    @Test func leavingOutHasNoLimit() throws {
        var reader = UploadReader(seed: 1)
        for number in 0...Limits.badLines { try reader.consume(bytes("T\(number)\n").span) }
        try reader.consume(bytes("NEW\nNEW\n").span)
        let run = try reader.finish(id: UploadID(rawValue: 0), skipBad: true, replaces: true) { code in
            code[0] == UInt8(ascii: "T") ? .inList : nil
        }
        #expect(run?.count == 1)
        #expect(reader.counts.leftOut[.duplicateInList] == UInt64(Limits.badLines) + 1)
        #expect(reader.badLines.count == Limits.badLines)
        #expect(reader.badLines.last == BadLine(line: UInt64(Limits.badLines) + 3, fault: .duplicateInFile))
    }

    /// Goal: a blob is the upload again. Method: codes of mixed lengths over several strips, written and
    /// re-read.
    @Test func aBlobReadsBackAsTheSameCodes() throws {
        let run = try codeRun(10_000)
        var blob: [UInt8] = []
        for strip in run.strips.indices { run.appendBlob(ofStrip: strip, to: &blob) }
        let outcome = try Self.read([blob])
        #expect(outcome.codes == Self.texts(run) && outcome.codes?.count == 10_000)
    }

    /// Goal: any code is found by its text. Method: all of an upload over strips, and strangers; a fixed code
    /// too.
    @Test func codesAreFoundByTheirText() throws {
        let run = try codeRun(10_000)
        for ordinal in 0..<Ordinal(10_000) { #expect(run.ordinal(of: bytes("C\(ordinal)").span) == ordinal) }
        for stranger in ["C10000", "c1", "", "C1 "] { #expect(run.ordinal(of: bytes(stranger).span) == nil) }
        let fixed = CodeRun.fixed(code: bytes("F"), limit: 10_000, upload: UploadID(rawValue: 0))
        #expect(fixed.count == 10_000 && fixed.strips.count == 3)
        #expect(fixed.ordinal(of: bytes("F").span) == 0 && fixed.ordinal(of: bytes("G").span) == nil)
    }

    /// Goal: 20 bytes an unused code at most, and a fast load. Method: a million codes of 12 characters;
    /// look-ups far faster than a scan, since a table that probes from one end would not end here.
    @Test func unusedCodesAreSmall() throws {
        var reader = UploadReader(seed: 3)
        for number in 0..<1_000_000 { try reader.consume(bytes("CODE\(10_000_000 + number)\n").span) }
        let made = try reader.finish(id: UploadID(rawValue: 0), skipBad: false, earlier: { _ in nil })
        let run = try #require(made)
        #expect(run.unusedByteCount <= 20 * 1_000_000)
        #expect(run.ordinal(of: bytes("CODE10765432").span) == 765_432)
    }
}

@Suite("The index of codes: few texts are read to find one")
struct CodeIndexTests {
    /// Goal: entries spread over the table. Method: count how often a text is asked for; also a table quite
    /// full.
    @Test(arguments: [1, 7, 8, 1_000, 4_095, 4_096, 100_000])
    func lookUpsTouchFewTexts(count: Int) {
        var index = CodeIndex(capacity: count, seed: 21)
        let hashes = (0..<count).map { index.hash(bytes("code\($0)").span) }
        var compared = 0
        for ordinal in 0..<Ordinal(count) {
            let existing = index.insert(ordinal, hash: hashes[Int(ordinal)]) { _ in
                compared += 1
                return false
            }
            #expect(existing == nil)
        }
        #expect(compared <= 16 + count / 4)
        for ordinal in 0..<Ordinal(count) {
            #expect(index.find(hash: hashes[Int(ordinal)]) { $0 == ordinal } == ordinal)
            #expect(index.insert(ordinal, hash: hashes[Int(ordinal)]) { $0 == ordinal } == ordinal)
        }
    }
}
