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
}
