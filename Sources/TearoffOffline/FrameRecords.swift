import TearoffCore
import TearoffEngine
import TearoffLog

/// The records of one frame, whichever lane it stands in.
enum FrameRecords {
    /// - Parameters:
    ///   - allocation: gets each record of a data lane, with the bytes of a long user, and of the user id or, of a key, its
    ///     text.
    ///   - repeats: gets each repeat that a data lane tells of.
    ///   - control: gets each one of the control lane.
    /// - Throws: when the records of a whole frame cannot be read; those before the fault were delivered.
    static func read(
        _ payload: Span<UInt8>, of frame: FrameInfo, shardCount: UInt16,
        allocation: (ShardRecord, Span<UInt8>, Span<UInt8>) -> Void,
        repeats: (RepeatRecord, Span<UInt8>, Span<UInt8>) -> Void, control: (ControlEntry) -> Void
    ) throws(RecoveryError) {
        do throws(RecordError) {
            if frame.segment.lane == .control {
                for entry in try ControlEntry.decodeAll(payload) { control(entry) }
            } else {
                try AllocationDecoder.decode(payload, shardCount: shardCount, repeats: repeats, allocation)
            }
        } catch {
            throw RecoveryError(
                contradiction: "its checksum matches, but its records cannot be read: \(error)", in: frame)
        }
    }
}
