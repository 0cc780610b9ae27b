import Synchronization

/// Keeps one prepared segment ahead of each lane, made in the background: never in a tick.
package final class SegmentSupply: Sendable {
    package typealias Background = @Sendable (@escaping @Sendable () -> Void) -> Void
    package typealias Wake = @Sendable () -> Void

    package let directoryID: DirectoryID
    private let segmentBytes: UInt64

    private enum Readiness {
        case preparing
        case ready((any CipherKey)?)
        case failed(StorageError)
    }

    private struct State {
        var wakes: [LaneID: Wake] = [:]
        /// Only segments that were asked for and not yet taken: one or two per lane.
        var segments: [SegmentID: Readiness] = [:]
    }

    private let storage: any LogStorage
    private let background: Background
    private let state = Mutex(State())

    /// - Parameters:
    ///   - segmentBytes: size of each segment (smaller for the control lane); a multiple of 4096, at least 64
    ///     KiB.
    ///   - background: runs a piece of slow work elsewhere, in any order.
    package init(
        storage: any LogStorage, directoryID: DirectoryID,
        segmentBytes: UInt64 = LogLimits.segmentBytesDefault, background: @escaping Background
    ) {
        precondition(SegmentHeader.isSegmentSize(segmentBytes), "segments of \(segmentBytes) bytes")
        self.storage = storage
        self.directoryID = directoryID
        self.segmentBytes = segmentBytes
        self.background = background
    }

    /// What to call, from any thread, when a segment for this lane is ready or has failed.
    package func setWake(_ lane: LaneID, _ wake: @escaping Wake) {
        state.withLock { $0.wakes[lane] = wake }
    }

    /// Makes a segment now and waits for it: the first of a lane.
    ///
    /// - Returns: what encrypts its frames.
    func prepareNow(_ segment: SegmentID, timeMilliseconds: UInt64) throws(StorageError) -> (any CipherKey)? {
        let (header, key) = plan(segment, timeMilliseconds)
        try storage.prepareSegment(header)
        return key
    }

    /// Has a segment made in the background.
    func request(_ segment: SegmentID, timeMilliseconds: UInt64) {
        let isNew = state.withLock { state in
            guard state.segments[segment] == nil else { return false }
            state.segments[segment] = .preparing
            return true
        }
        precondition(isNew, "\(segment) was asked for twice")
        let (header, key) = plan(segment, timeMilliseconds)
        background { [self] in
            let readiness: Readiness
            do throws(StorageError) {
                try storage.prepareSegment(header)
                readiness = .ready(key)
            } catch {
                readiness = .failed(error)
            }
            let wake = state.withLock { state in
                state.segments[segment] = readiness
                return state.wakes[segment.lane]
            }
            wake?()
        }
    }

    /// Whether a requested segment can be opened.
    ///
    /// - Throws: what preparing it threw.
    func isReady(_ segment: SegmentID) throws(StorageError) -> Bool {
        switch state.withLock({ $0.segments[segment] }) {
        case .ready: return true
        case .preparing: return false
        case .failed(let error): throw error
        case nil: preconditionFailure("\(segment) was not asked for")
        }
    }

    /// Forgets a segment that its lane has begun to write.
    ///
    /// - Returns: what encrypts its frames.
    func take(_ segment: SegmentID) -> (any CipherKey)? {
        guard case .ready(let key)? = state.withLock({ $0.segments.removeValue(forKey: segment) }) else {
            preconditionFailure("\(segment) is not ready")
        }
        return key
    }

    /// The header of a segment that is to be made, and what will encrypt its frames.
    private func plan(
        _ segment: SegmentID, _ timeMilliseconds: UInt64
    ) -> (header: SegmentHeader, key: (any CipherKey)?) {
        let made = storage.cipher?.makeKey(for: .segment(segment))
        let header = SegmentHeader(
            directoryID: directoryID, id: segment, blockBytes: storage.blockBytes,
            segmentBytes: segmentBytes(of: segment.lane),
            createdMilliseconds: timeMilliseconds, encryption: made?.origin)
        return (header, made?.key)
    }

    package var blockBytes: Int { storage.blockBytes }

    /// The control lane has little to say, and each start begins a new segment of it.
    func segmentBytes(of lane: LaneID) -> UInt64 {
        lane == .control ? min(segmentBytes, LogLimits.controlSegmentBytesMax) : segmentBytes
    }

    /// The lane's end of the storage; here so that a lane writes where its segments are made.
    func makeLane(_ lane: LaneID) throws(StorageError) -> sending any LaneStorage {
        try storage.makeLane(lane)
    }
}
