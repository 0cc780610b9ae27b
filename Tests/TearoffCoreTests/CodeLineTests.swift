import Testing

@testable import TearoffCore

@Suite("Lines of an upload: each is a code, blank, or bad for a named reason")
struct CodeLineTests {
    private static func verdict(_ line: [UInt8]) -> CodeLine { CodeLine(line.span) }

    /// Goal: one verdict for each kind of line. Method: a table.
    @Test(
        arguments: [
            ("A", .code), ("ABC-123_x.y/z", .code), ("Grüße", .code), ("日本語", .code), ("😀", .code),
            ("!~", .code),
            ("", .blank), (" ", .blank), ("\t  \t", .blank),
            ("A B", .bad(.whitespace)), (" A", .bad(.whitespace)), ("A ", .bad(.whitespace)),
            ("A\tB", .bad(.whitespace)), ("A\u{A0}B", .bad(.whitespace)), ("A\u{2028}B", .bad(.whitespace)),
            ("A\u{3000}", .bad(.whitespace)), ("A\u{85}B", .bad(.whitespace)), ("\u{A0}", .bad(.whitespace)),
            ("A,B", .bad(.comma)), (",", .bad(.comma)), ("A, B", .bad(.comma)), ("A ,B", .bad(.whitespace)),
            ("A\u{0}", .bad(.control)), ("A\u{B}", .bad(.control)), ("A\u{1B}[", .bad(.control)),
            ("A\u{7F}", .bad(.control)), ("A\u{80}", .bad(.control)), ("A\u{9F}", .bad(.control)),
            ("A\rB", .bad(.control)), ("é\u{7F}", .bad(.control)),
        ] as [(String, CodeLine)])
    func textLinesAreJudged(line: String, expected: CodeLine) {
        #expect(Self.verdict(bytes(line)) == expected)
    }

    /// Goal: only well-formed UTF-8 passes. Method: overlong forms, surrogates, ends cut off, stray bytes.
    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func brokenUTF8IsRefused(sequence: [UInt8]) {
        #expect(Self.verdict(sequence) == .bad(.invalidUTF8))
        #expect(Self.verdict(bytes("A,") + sequence + bytes("B")) == .bad(.invalidUTF8))
    }

    /// Goal: the judge agrees with the standard library about UTF-8. Method: 200,000 random short lines.
    @Test func agreesWithTheStandardLibrary() {
        let seed: UInt64 = 11
        var random = SplitMix64(seed: seed)
        let alphabet: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4,
        ]
        for _ in 0..<200_000 {
            let line = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            let isText = String(validating: line, as: UTF8.self) != nil
            #expect((Self.verdict(line) != .bad(.invalidUTF8)) == isText, "SEED=\(seed) \(line)")
        }
    }

    /// Goal: the bound counts bytes, and goes before all other faults. Method: 255 and 256 bytes.
    @Test func codesHaveAtMost255Bytes() {
        #expect(Self.verdict([UInt8](repeating: 0x41, count: 255)) == .code)
        #expect(Self.verdict([UInt8](repeating: 0x41, count: 256)) == .bad(.tooLong))
        #expect(Self.verdict(bytes(String(repeating: "é", count: 127) + "A")) == .code)
        #expect(Self.verdict(bytes(String(repeating: "é", count: 128))) == .bad(.tooLong))
        #expect(Self.verdict([UInt8](repeating: 0xFF, count: 256)) == .bad(.tooLong))
    }
}
