import TearoffCore
import TearoffLog

/// How the benchmarks write logs.
enum LogWriting {
    static let directory = DirectoryID(bytes: [UInt8](repeating: 0xB0, count: DirectoryID.byteCount))

    /// The writer of a lane that was never written, which waits in its commits.
    static func writer(
        _ lane: LaneID, on storage: any LogStorage, segmentBytes: UInt64
    ) throws(LogFailure) -> LaneWriter {
        let supply = SegmentSupply(
            storage: storage, directoryID: directory, segmentBytes: segmentBytes, background: { $0() })
        var settings = LaneSettings()
        settings.completion = .inline
        return try LaneWriter(
            lane: lane, supply: supply, start: .first, settings: settings,
            timeMilliseconds: Supply.now.milliseconds)
    }
}
