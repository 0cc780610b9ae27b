import TearoffCore
import TearoffLog
import TearoffSimulation
import Testing

@testable import TearoffEngine

@Suite("A part of the keys finds those that are kept, and drops the others")
struct KeyPartTests {
    private static func kept(_ number: Int, usedAt: UInt64) -> KeptKey {
        let text = Array("k\(number)".utf8)
        let at = Timestamp(milliseconds: usedAt)
        return KeptKey(
            use: KeyUse(
                shard: ShardID(rawValue: 0), sequence: SequenceNumber(rawValue: UInt64(number + 1)),
                row: RowNumber(rawValue: UInt32(number)),
                answer: KeyAnswer(
                    usedAt: at, times: AllocationTimes(givenAt: at, holdUntil: nil), holdMilliseconds: 0,
                    isRepeat: false),
                keyByteCount: UInt8(text.count), text: text),
            hash: UInt64(number % 700), frame: LaneFrame(lane: 0, frame: .none))
    }

    /// Goal: over many stretches, each key is found exactly as long as it is kept, and used again it is the later one.
    /// Method: 3,000 uses of 700 keys, a minute and three apart, with times that go back a little; all keys now and then,
    /// against a dictionary.
    @Test func everyKeyIsFoundWhileItIsKept() {
        var part = KeyPart()
        var latest: [UInt64: KeptKey] = [:]
        var mostKept = 0
        for number in 0..<3_000 {
            let minutes = UInt64(number < 1_500 ? number : 1_500 + (number - 1_500) * 3)
            let now = Timestamp(milliseconds: day + minutes * 60_000)
            let use = Self.kept(number, usedAt: now.milliseconds - UInt64(number % 3))
            part.dropExpired(at: now)
            if let known = latest[use.hash], known.use.answer.isKept(at: now) {
                #expect(part.find(use.hash, at: now)?.use == known.use)
            } else {
                #expect(part.find(use.hash, at: now) == nil)
                part.append(use)
                latest[use.hash] = use
            }
            mostKept = max(mostKept, part.count)
            guard number % 500 == 0 else { continue }
            for (hash, known) in latest {
                #expect((part.find(hash, at: now) != nil) == known.use.answer.isKept(at: now))
            }
        }
        #expect(mostKept > 512, "some stretches")
        part.dropExpired(at: Timestamp(milliseconds: 100 * day))
        #expect(part.count == 0)
        for hash in latest.keys { #expect(part.find(hash, at: Timestamp(milliseconds: 100 * day)) == nil) }
    }

    /// Goal: nothing is dropped before its time. Method: the last stretch to the millisecond.
    @Test func nothingIsDroppedTooEarly() {
        var part = KeyPart()
        for number in 0..<300 { part.append(Self.kept(number, usedAt: UInt64(number))) }
        part.dropExpired(at: Timestamp(milliseconds: day + 254))
        #expect(part.count == 300)
        part.dropExpired(at: Timestamp(milliseconds: day + 255))
        #expect(part.count == 44)
        part.dropExpired(at: Timestamp(milliseconds: day + 298))
        #expect(part.count == 44)
        part.dropExpired(at: Timestamp(milliseconds: day + 299))
        #expect(part.count == 0)
    }
}
