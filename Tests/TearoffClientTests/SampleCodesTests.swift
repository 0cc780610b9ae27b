import Foundation
import Testing

@Suite("tools/sample-codes writes distinct codes, the same ones for the same seed")
struct SampleCodesTests {
    private func codes(_ arguments: String...) throws -> [Substring] {
        let process = Process()
        process.executableURL = DocumentationExampleTests.root.appending(path: "tools/sample-codes")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try #require(try output.fileHandleForReading.readToEnd())
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
    }

    /// Goal: as many as asked for, all different, of the right form. Method: more than one of the script's
    /// batches.
    @Test func codesAreDistinctAndWellFormed() throws {
        let codes = try codes("100000")
        #expect(codes.count == 100_000 && Set(codes).count == 100_000)
        let alphabet = Set("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        #expect(codes.allSatisfy { $0.count == 12 && $0.allSatisfy(alphabet.contains) })
    }

    /// Goal: a seed replays, and another one gives others. Method: fewer codes are the beginning of more.
    @Test func aSeedReplays() throws {
        let codes = try codes("100", "7")
        #expect(try self.codes("10", "7") == Array(codes.prefix(10)))
        #expect(try Set(self.codes("100", "8")).isDisjoint(with: codes))
    }
}
