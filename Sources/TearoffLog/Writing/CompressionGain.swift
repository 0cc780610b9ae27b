/// Whether frames are worth compressing, by what it saved lately.
///
/// Random user ids hardly shrink: compressing them took a fifth of an allocation's instructions and saved a quarter
/// of its 24 bytes, where the disk takes 24 MB/s without notice (`docs/PERFORMANCE.md`). Structured ids shrink to a
/// third.
struct CompressionGain {
    /// After a frame of which less than a third was saved, so many go raw, and the next one is tried again.
    static let framesBetweenTrials = 15

    private var framesToSkip = 0

    /// Decides for the next frame.
    mutating func nextIsTried() -> Bool {
        if framesToSkip == 0 { return true }
        framesToSkip -= 1
        return false
    }

    /// - Parameter storedBytes: what the trial came to; all of the payload when it was not worth storing.
    mutating func record(storedBytes: Int, ofPayloadBytes payloadBytes: Int) {
        if storedBytes * 3 > payloadBytes * 2 { framesToSkip = Self.framesBetweenTrials }
    }
}
