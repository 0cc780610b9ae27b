import Synchronization
import TearoffCore
package import TearoffLog

/// Turns a recovered state into a running engine. Each loop makes its own part on its own thread; then the
/// control plane writes down that a new life began, and the engine may serve.
package final class EngineStart: Sendable {
    package let engine: Engine
    package let supply: SegmentSupply
    private let state: RecoveredState
    private let source: RecoverySource
    private let feed: (any FeedStorage)?
    private let post: Post?

    /// What sends warnings.
    package struct Post: Sendable {
        let storage: any DeliveryStorage
        let courier: any Courier

        package init(_ storage: any DeliveryStorage, _ courier: any Courier) {
            self.storage = storage
            self.courier = courier
        }
    }

    package init(
        _ state: RecoveredState, source: RecoverySource, settings: EngineSettings, host: EngineHost,
        segmentBytes: UInt64, feed: (any FeedStorage)? = nil, post: Post? = nil
    ) {
        self.state = state
        self.source = source
        self.feed = feed
        self.post = post
        supply = SegmentSupply(
            storage: source.log, directoryID: source.directory, segmentBytes: segmentBytes,
            background: host.segments)
        let lanes = (0..<settings.loopCount).map { index in
            Self.status(of: LaneID(rawValue: UInt16(index)), in: state)
        }
        engine = Engine(
            routing: UserRouting(shardCount: source.shardCount), clock: EngineClock(latest: state.at),
            shards: state.shards,
            keys: KeyBook(state.keys, seed: source.seed, maximum: settings.keysMax), seed: source.seed,
            lanes: lanes, controlLane: Self.status(of: .control, in: state), catalog: state.catalog,
            settings: settings, host: host)
        engine.count(state.catalog.campaigns.filter(\.settings.isCounted))
    }

    private static func status(of lane: LaneID, in state: RecoveredState) -> LaneStatus {
        LaneStatus(lane: lane, durable: start(of: lane, in: state).nextFrame.previous)
    }

    private static func start(of lane: LaneID, in state: RecoveredState) -> LaneStart {
        state.laneStarts[lane] ?? .first
    }

    private func makeWriter(_ lane: LaneID) throws(LogFailure) -> LaneWriter {
        try LaneWriter(
            lane: lane, supply: supply, start: Self.start(of: lane, in: state),
            settings: engine.settings.lane,
            timeMilliseconds: engine.now().milliseconds)
    }

    /// Makes the part of one loop, with the first segment of its lane. To be called on that loop.
    ///
    /// - Throws: when the segment cannot be made; nothing can be served then.
    package func makeLoop(_ index: Int, control: ControlPort) throws(LogFailure) -> LoopEngine {
        LoopEngine(
            engine: engine, index: index, catalog: state.catalog,
            writer: try makeWriter(LaneID(rawValue: UInt16(index))), control: control,
            logBytes: state.counters.logFileBytes / UInt64(engine.settings.loopCount))
    }

    /// Makes the control plane and writes down which segments this life began. To be called on its own loop,
    /// after all ``makeLoop(_:control:)``: a segment that is written down must exist.
    package func makeControlPlane(loops: [LoopPort], port: ControlPort) throws(LogFailure) -> ControlPlane {
        let writer = try makeWriter(.control)
        let audit = AuditDesk(
            engine: engine, blobs: source.blobs, makeHasher: source.makeHasher, trail: state.trail)
        let feed = makeFeed()
        let control = ControlPlane(
            engine: engine,
            uploads: UploadDesk(
                engine: engine, blobs: source.blobs, port: port, makeHasher: source.makeHasher,
                seed: source.seed),
            snapshots: SnapshotDesk(
                engine: engine, directory: source.directory, log: source.log, blobs: source.blobs,
                audit: audit, feed: feed, makeHasher: source.makeHasher, latest: state.snapshotNumber,
                fullChunks: state.fullChunks, idleLanes: idleLanes),
            exports: ExportDesk(engine: engine, blobs: source.blobs),
            archive: ArchiveDesk(blobs: source.blobs, host: engine.host), audit: audit, feed: feed,
            deliveries: makeDeliveries(feed), writer: writer, loops: loops,
            port: port, catalog: state.catalog, revision: state.revision)
        let begun = (engine.lanes.map { $0.lane } + [.control]).map { lane in
            let start = Self.start(of: lane, in: state)
            return LifeStart.Lane(lane: lane, segment: start.segment, nextFrame: start.nextFrame)
        }
        let idle = idleLanes.map { LifeStart.Lane(lane: $0.lane, segment: nil, nextFrame: $0.position.frame) }
        let life = LifeStart(at: engine.now(), lanes: begun + idle)
        ControlEntry.lifeStarted(life).encode(into: &writer.batch.bytes)
        writer.batch.recordCount += 1
        _ = try writer.commit(timeMilliseconds: life.at.milliseconds)
        _ = try writer.drain()
        feed?.start()
        port.scheduleExpiry(state.catalog.nextExpiry.map { $0.milliseconds + 1 })
        return control
    }

    private func makeFeed() -> FeedDesk? {
        guard let feed, let settings = engine.settings.feed else { return nil }
        let ends = state.laneStarts.mapValues { start in
            LaneProgress(segment: start.segment, frame: start.nextFrame.previous)
        }
        return FeedDesk(
            engine: engine, log: source.log, storage: feed, directory: source.directory, settings: settings,
            earlier: EarlierLives(ends: ends, uploads: state.catalog.uploads.count))
    }

    private func makeDeliveries(_ feed: FeedDesk?) -> DeliveryDesk? {
        guard let feed, let post else { return nil }
        return DeliveryDesk(
            engine: engine, feed: feed, storage: post.storage, courier: post.courier, directory: source.directory,
            settings: engine.settings.deliveries)
    }

    /// Lanes of earlier lives that no loop writes now.
    private var idleLanes: [Manifest.LaneStart] {
        let active = Set(engine.lanes.map(\.lane) + [.control])
        return state.laneStarts.filter { !active.contains($0.key) }.sorted { $0.key < $1.key }.map {
            lane, start in
            let position = LanePosition(
                segment: start.segment, frame: start.nextFrame,
                previousHeaderCRC32C: start.previousHeaderCRC32C)
            return .init(lane: lane, position: position, isIdle: true)
        }
    }
}
