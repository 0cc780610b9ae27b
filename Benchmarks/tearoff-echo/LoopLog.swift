import Dispatch
import TearoffLog

/// The durable frames of one loop: as many bytes as compact records would have, and nothing in them.
final class LoopLog {
    /// About what an allocation takes in a frame: a user of 16 bytes and a few small numbers.
    private static let bytesPerCommand = 24
    private let writer: LaneWriter
    /// The payload of a frame of the largest size; no compressor gains anything by it.
    private let noise: [UInt8]
    private let segmentIsReady = DispatchSemaphore(value: 0)
    private let timeMilliseconds: UInt64

    /// - Throws: when the lane's first segment cannot be made.
    init(
        lane: LaneID, supply: SegmentSupply, segment: SegmentNumber, timeMilliseconds: UInt64
    ) throws(LogFailure) {
        var settings = LaneSettings()
        settings.completion = .inline
        // zstd's cheapest, which finds out soonest that there is nothing to gain; it clamps the number.
        settings.compressionLevel = .min / 2
        writer = try LaneWriter(
            lane: lane, supply: supply,
            start: LaneStart(
                segment: segment, nextFrame: .first, previousHeaderCRC32C: 0, lastFrameIsVouched: true),
            settings: settings, timeMilliseconds: timeMilliseconds)
        noise = Self.noise(count: writer.payloadBytesMax / Self.bytesPerCommand * Self.bytesPerCommand)
        self.timeMilliseconds = timeMilliseconds
        let segmentIsReady = segmentIsReady
        supply.setWake(lane) { segmentIsReady.signal() }
    }

    /// Bytes without a pattern, by xorshift64*.
    ///
    /// - Source: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2014.
    private static func noise(count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return UInt8(truncatingIfNeeded: (state &* 0x2545_F491_4F6C_DD1D) >> 56)
        }
    }

    /// Writes one frame with a record for each command, and waits until it is durable. Only more than a frame
    /// can hold (some 170,000 commands in one tick) takes a second one.
    func write(commands: Int) throws(LogFailure) {
        var bytes = commands * Self.bytesPerCommand
        while bytes > 0 {
            let count = min(bytes, noise.count)
            writer.batch.bytes.append(contentsOf: noise[..<count])
            writer.batch.recordCount = count / Self.bytesPerCommand
            var progress = try writer.commit(timeMilliseconds: timeMilliseconds)
            while progress == .waitingForSegment {
                segmentIsReady.wait()
                progress = try writer.poll()
            }
            bytes -= count
        }
    }
}
