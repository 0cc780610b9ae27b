import Foundation
import Testing

@testable import TearoffLog

@Suite("The recovery verdict is decided for every combination of facts")
struct RecoveryVerdictTests {
    private static var everything: [RecoveryVerdict.Facts] {
        (0..<(1 << RecoveryVerdict.Bits.count)).map { bits in
            var facts = RecoveryVerdict.Facts()
            facts.misplaced = bits & 1 != 0
            facts.laterFrame = bits & 2 != 0
            facts.closed = bits & 4 != 0
            facts.blank = bits & 8 != 0
            facts.nextSegment = bits & 16 != 0
            facts.laterSegmentBegins = bits & 32 != 0
            facts.laterSegmentAgrees = bits & 64 != 0
            return facts
        }
    }

    @Test("Every pattern matches exactly one row, and every row is matched")
    func table() {
        // Goal: the table is total and says nothing twice. Method: all 2^7 inputs.
        var used = Set<Int>()
        for facts in Self.everything {
            let rows = RecoveryVerdict.table.indices.filter { RecoveryVerdict.table[$0].matches(facts.bits) }
            #expect(rows.count == 1, "\(facts): rows \(rows)")
            used.formUnion(rows)
        }
        #expect(used.count == RecoveryVerdict.table.count)
    }

    @Test("The verdicts are those that the promises demand")
    func promises() {
        // Goal: nothing that something later vouches for is cut. Method: an oracle written as questions.
        for facts in Self.everything { #expect(RecoveryVerdict(facts) == Self.oracle(facts), "\(facts)") }
    }

    private static func oracle(_ facts: RecoveryVerdict.Facts) -> RecoveryVerdict {
        // A whole frame where it does not belong: the disk has mixed something up.
        if facts.misplaced { return .refuse(.misplacedFrame) }
        // A frame that could only be written once this one was durable.
        if facts.laterFrame { return .refuse(.damagedFrame) }
        let promisesNext = facts.closed || facts.laterSegmentBegins
        if promisesNext && !facts.nextSegment { return .refuse(.missingSegment) }
        if facts.laterSegmentBegins {
            return facts.laterSegmentAgrees ? .nextSegment : .refuse(.lostFrames)
        }
        let isWhole = facts.closed || facts.blank
        return isWhole ? .endOfLane : .truncateTail
    }

    @Test("The table of docs/FORMAT.md says the same")
    func page() throws {
        // Goal: whoever judges a log by hand comes to the same. Method: its rows against all inputs; exactly one matches.
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(contentsOf: root.appending(path: "docs/FORMAT.md"), encoding: .utf8)
        let table = try #require(text.components(separatedBy: "| agrees | verdict |\n").last)
        let rows = table.split(separator: "\n").dropFirst().prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        #expect(rows.count == RecoveryVerdict.table.count)
        for facts in Self.everything {
            let values = (0..<RecoveryVerdict.Bits.count).map { facts.bits.rawValue & (1 << $0) != 0 }
            let matching = rows.filter { row in
                row.count == values.count + 1
                    && zip(row, values).allSatisfy { cell, value in cell.isEmpty || cell == (value ? "yes" : "no") }
            }
            #expect(matching.count == 1, "\(facts): \(matching)")
            #expect(Self.words(RecoveryVerdict(facts)).contains(matching.first?.last ?? "no row"), "\(facts)")
        }
    }

    /// As the page says it.
    private static func words(_ verdict: RecoveryVerdict) -> [String] {
        switch verdict {
        case .refuse(.misplacedFrame): ["refuse: a whole frame is in the wrong place"]
        case .refuse(.damagedFrame): ["refuse: a frame is damaged that a later one vouches for"]
        case .refuse(.missingSegment):
            [
                "refuse: the segment that the close frame promises is missing",
                "refuse: a segment between two others is missing",
            ]
        case .refuse(.lostFrames): ["refuse: a later segment vouches for lost frames"]
        case .nextSegment: ["go on there: a life ended here"]
        case .endOfLane: ["end of the lane", "end of the lane: the next segment holds nothing yet"]
        case .truncateTail:
            ["the torn frame was never acknowledged: it is reported and left; its number is used again"]
        }
    }
}
