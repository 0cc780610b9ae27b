import Testing

@testable import TearoffLog

@Suite("Compression is tried where it pays, and not given up for good where it does not")
struct CompressionGainTests {
    /// Whether each of so many frames would be tried, when none of them is.
    private static func tried(_ gain: inout CompressionGain, frames: Int) -> [Bool] {
        (0..<frames).map { _ in gain.nextIsTried() }
    }

    /// Goal: after a poor trial the next frames go raw, and then one is tried again. Method: two rounds.
    @Test func aPoorTrialSparesTheNextFrames() {
        var gain = CompressionGain()
        let raw = [Bool](repeating: false, count: CompressionGain.framesBetweenTrials)
        for _ in 0..<2 {
            let first = Self.tried(&gain, frames: 1)
            gain.record(storedBytes: 75, ofPayloadBytes: 100)
            let rest = Self.tried(&gain, frames: raw.count)
            #expect(first == [true] && rest == raw)
        }
    }

    /// Goal: frames that shrink by a third are all compressed. Method: at the bound, and one byte beside it.
    @Test func aThirdIsEnough() {
        var gain = CompressionGain()
        gain.record(storedBytes: 200, ofPayloadBytes: 300)
        let good = Self.tried(&gain, frames: 1)
        gain.record(storedBytes: 201, ofPayloadBytes: 300)
        let poor = Self.tried(&gain, frames: 1)
        #expect(good == [true] && poor == [false])
    }
}
