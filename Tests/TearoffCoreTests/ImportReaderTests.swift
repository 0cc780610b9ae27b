import TearoffCore
import Testing

@Suite("A file of what another system gave reads the same however it is cut")
struct ImportReaderTests {
    private struct Outcome: Equatable {
        var rows: [String]
        var codes: [String]
        var bad: [BadLine]
        var blank: UInt64
    }

    private static func read(
        _ chunks: [[UInt8]], place: (String) -> ImportPlace = { _ in .new }
    ) throws -> Outcome {
        var reader = ImportReader(seed: 3)
        for chunk in chunks { try reader.consume(chunk.span) }
        let judged = try reader.finish(
            campaign: { $0 == "c" ? CampaignID(rawValue: 7) : nil }, now: Timestamp(milliseconds: 1_000)
        ) { code, _, _ in place(String(decoding: bytes(of: code), as: UTF8.self)) }
        let rows = judged.fresh.map { index in
            let row = judged.rows[index]
            let user = String(decoding: judged.rows.text[row.user], as: UTF8.self)
            return "\(user) \(row.givenAt.milliseconds) \(row.line)"
        }
        let codes = (0..<Ordinal(judged.run?.count ?? 0)).compactMap { ordinal in
            judged.run?.withCode(at: ordinal) { String(decoding: bytes(of: $0), as: UTF8.self) }
        }
        return Outcome(rows: rows, codes: codes, bad: reader.badLines, blank: reader.counts.leftOut.blank)
    }

    /// Goal: where the chunks are cut changes nothing. Method: a file with every kind of line and quote, cut
    /// everywhere in two, and byte by byte.
    @Test func everyCutReadsTheSame() throws {
        let file = bytes(
            "\u{FEFF}code,user,campaign,given_at\r\nA,u1,c,1\r\n\r\n\"B\",\"u,\"\"2\"\"\",c,2\nC,u3,c\n"
                + "D,u\"4,c,4\n\"E\"x,u5,c,5\nF,,c,6\nA,u7,c,7\nG,u8,d,8\nH,u9,c,1001\nI,u10,c,x\n"
                + "\"J\",\"u11\",\"c\",\"11\"")
        let expected = Outcome(
            rows: ["u1 1 2", "u,\"2\" 2 4", "u11 11 13"], codes: ["A", "B", "J"],
            bad: [
                BadLine(line: 5, fault: .columns), BadLine(line: 6, fault: .columns), BadLine(line: 7, fault: .columns),
                BadLine(line: 8, fault: .user), BadLine(line: 9, fault: .duplicateInFile),
                BadLine(line: 10, fault: .campaign), BadLine(line: 11, fault: .future), BadLine(line: 12, fault: .time),
            ], blank: 1)
        #expect(try Self.read([file]) == expected)
        #expect(try Self.read(file.map { [$0] }) == expected)
        for cut in file.indices { #expect(try Self.read([Array(file[..<cut]), Array(file[cut...])]) == expected) }
    }

    /// Goal: a quote that is never closed costs its own line and takes no other with it, and a line without an end
    /// costs no memory. Method: a quote in front of many lines; a line of a megabyte; a last line that ends inside
    /// quotes.
    @Test func aQuoteWithoutAnEndCostsItsLine() throws {
        let lines = (0..<400).map { "K\($0),u\($0),c,1\n" }.joined()
        let outcome = try Self.read([bytes("\"X,u,c,1\n" + lines)])
        #expect(outcome.bad == [BadLine(line: 1, fault: .columns)] && outcome.codes == (0..<400).map { "K\($0)" })
        let long = try Self.read([bytes(String(repeating: "x", count: 1 << 20) + "\nA,u,c,1\nB,\"u")])
        #expect(long.codes == ["A"] && long.bad.map(\.line) == [1, 3])
    }

    /// Goal: each place that a code has already leads to what is done with the row. Method: one of each.
    @Test func earlierCodesAreTold() throws {
        var reader = ImportReader(seed: 3)
        try reader.consume(bytes("A,u,c,1\nB,u,c,1\nC,u,c,1\nD,u,c,1\nE,u,c,1\n").span)
        let pending = CodeID(upload: UploadID(rawValue: 4), ordinal: 5)
        let places: [String: ImportPlace] = [
            "A": .bad(.inList), "B": .bad(.inOtherList(ListID(rawValue: 2))), "C": .pending(pending), "D": .done,
        ]
        let judged = try reader.finish(
            campaign: { _ in CampaignID(rawValue: 0) }, now: Timestamp(milliseconds: 1)
        ) { code, _, _ in places[String(decoding: bytes(of: code), as: UTF8.self)] ?? .new }
        #expect(judged.fresh == [4] && judged.doneCount == 1 && judged.run?.count == 1)
        #expect(judged.pending.map(\.row) == [2] && judged.pending.map(\.code) == [pending])
        #expect(
            reader.badLines == [
                BadLine(line: 1, fault: .duplicateInList),
                BadLine(line: 2, fault: .inOtherList, otherList: ListID(rawValue: 2)),
            ])
    }

    /// Goal: a time is read as it was meant, or not at all. Method: each form, and what is none.
    @Test(
        arguments: [
            ("0", 0), ("1780302600125", 1_780_302_600_125), ("2026-06-01T08:30:00.125Z", 1_780_302_600_125),
            ("2026-06-01T10:30:00.125+02:00", 1_780_302_600_125), ("2026-06-01 03:00:00.1259-0530", 1_780_302_600_125),
            ("2026-06-01T08:30z", 1_780_302_600_000), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("1970-01-01T00:00:00Z", 0), ("2000-12-31T23:59:59.9Z", 978_307_199_900),
            ("", nil), ("x", nil), ("-1", nil), ("2026-06-01", nil), ("2026-06-01T08:30:00", nil),
            ("2026-06-01T08:30", nil),
            ("2026-02-29T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-06-01T24:00:00Z", nil), ("2026-06-01T08:30:60Z", nil), ("2026-06-01T08:30:00.Z", nil),
            ("2026-06-01T08:30:00+2:00", nil), ("2026-06-01T08:30:00+24:00", nil), ("1970-01-01T00:00:00+01:00", nil),
            ("1969-12-31T00:00:00Z", nil), ("999999999999999", nil), ("1780302600125 ", nil),
        ] as [(String, UInt64?)])
    func timesAreReadAsTheyWereMeant(text: String, milliseconds: UInt64?) {
        #expect(Timestamp(text: bytes(text).span)?.milliseconds == milliseconds)
    }

    /// Goal: the way there and back is the same. Method: days over four centuries, and odd milliseconds.
    @Test func everyDayComesBack() {
        for day in stride(from: UInt64(0), to: 146_097, by: 31) {
            let time = Timestamp(milliseconds: day * 86_400_000 + day * 7_919 % 86_400_000)
            #expect(Timestamp(text: bytes(time.iso8601).span) == time)
        }
    }
}
