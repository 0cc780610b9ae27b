import Dispatch
import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Recovery on several threads: the same state, or the same refusal, as on one")
struct RecoveryWorkersTests {
    /// Goal: how many workers there are, in what order they take their pieces, and where the log is cut into
    /// portions, is not seen in the state. Method: five lives with several lanes, lost frames, long ids, two
    /// uploads and a snapshot; every way of running, and portions from one record on.
    @Test(arguments: Workers.all)
    func theStateIsTheSameForAllWorkers(workers: Workers) throws {
        let world = try Self.eventfulWorld()
        let expected = WholeState(try world.recover())
        #expect(expected.hasHoles)
        #expect(expected.counters.rowsFromSnapshot > 0 && expected.counters.rowsFromLog > 0)
        for portionRecords in [1, 3, 17, 1 << 18] {
            var source = world.source
            source.workers = workers.make()
            source.portionRecords = portionRecords
            #expect(WholeState(try Recovery.run(source)) == expected, "\(workers), \(portionRecords)")
        }
    }

    /// Goal: a log with several contradictions is refused for the same one each time. Method: two shards with
    /// one code, a third with one number twice; all ways of running, often.
    @Test(arguments: Workers.all)
    func contradictionsAreRefusedAlike(workers: Workers) throws {
        let world = World()
        try Self.forgeContradictions(in: world)
        let expected = #expect(throws: RecoveryError.self) { _ = try world.recover() }
        for portionRecords in [1, 1 << 18] {
            for _ in 0..<20 {
                var source = world.source
                source.workers = workers.make()
                source.portionRecords = portionRecords
                let found = #expect(throws: RecoveryError.self) { _ = try Recovery.run(source) }
                #expect(found == expected)
            }
        }
    }

    /// Goal: of several damaged chunks the same one is named. Method: the chunks of two shards are replaced.
    @Test(arguments: Workers.all)
    func damagedChunksAreToldAlike(workers: Workers) throws {
        let world = try SnapshotTests.worldWithSnapshots(1)
        world.crash()
        let name = SnapshotTests.manifest(1)
        let bytes = try world.blobs.readNamed(name)
        let manifest = try Manifest(decoding: bytes.span, directory: World.directory)
        for shard in manifest.shards {
            for chunk in shard.chunks { world.blobs.replace(chunk, with: [1, 2]) }
        }
        let expected = try world.recover()
        #expect(expected.notices.contains { if case .snapshotUnusable = $0 { true } else { false } })
        for _ in 0..<20 {
            world.blobs.replaceNamed(name, with: bytes)
            var source = world.source
            source.workers = workers.make()
            let found = try Recovery.run(source)
            #expect(found.notices == expected.notices)
            #expect(Digest(found) == Digest(expected))
        }
    }

    /// Goal: progress never goes back, and each stage is told to its end.
    @Test(arguments: Workers.all)
    func progressGrowsToItsTotal(workers: Workers) throws {
        let world = try Self.eventfulWorld()
        let told = Mutex<[RecoveryProgress]>([])
        var source = RecoverySource(
            directory: World.directory, shardCount: world.shardCount, log: world.log, blobs: world.blobs,
            makeHasher: { FakeHasher() }, seed: 1
        ) { progress in told.withLock { $0.append(progress) } }
        source.workers = workers.make()
        source.portionRecords = 5
        _ = try Recovery.run(source)
        let all = told.withLock { $0 }
        for stage in [RecoveryProgress.Stage.snapshot, .log] {
            let steps = all.filter { $0.stage == stage }
            #expect(steps.count > 1 && steps.last.map { $0.done == $0.total } == true)
            #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.done <= $1.done && $1.done <= $1.total })
        }
        #expect(all.contains { $0.stage == .uploads && $0.done == $0.total })
    }
}

extension RecoveryWorkersTests {
    private static func eventfulWorld() throws -> World {
        let world = World()
        var life = try world.start(loops: 3, slow: true)
        try life.supply(codes: 150)
        for (number, loops) in [2, 1, 3, 4].enumerated() {
            if number == 2 { try life.upload((0..<90).map { "second-\($0 * $0)" }) }
            for index in 0..<40 {
                let loop = index % life.loops.count
                let user = index % 3 == 0 ? "a user of more than sixteen bytes" : "u"
                let userID = index % 4 == 0 ? "marketing-\(index)" : ""
                _ = try life.allocate("\(user)-\(number)-\(index)", userID: userID, loop: loop)
                if index % 6 == 0 { _ = try life.loops[loop].commit() }
                if index == 20 {
                    life.settle()
                    if number == 1 { try life.snapshot() }
                }
                world.clock.milliseconds += index % 5 == 0 ? 1 : 0
            }
            // The frames of all lanes but the last are lost: holes, and gaps in the shards' numbers.
            for loop in life.loops.indices { _ = try life.loops[loop].commit() }
            life.complete(life.loops.count - 1)
            life = try world.restart(loops: loops, slow: true)
        }
        world.crashLosingWrites()
        return world
    }

    /// Two users of different shards have one code; in a third shard a number stands twice.
    private static func forgeContradictions(in world: World) throws {
        let life = try world.start()
        try life.supply(codes: 10)
        try life.give(users(1, ofShard: 2)[0])
        var encoder = AllocationEncoder(shardCount: world.shardCount)
        let writer = life.loops[0].writer
        for (shard, ordinal) in [(UInt16(3), UInt32(7)), (0, 7), (2, 8)] {
            let user = Array(users(2, ofShard: shard)[1].utf8)
            let record = AllocationRecord(
                shard: ShardID(rawValue: shard), sequence: SequenceNumber(rawValue: 1),
                givenAt: Timestamp(milliseconds: World.firstMilliseconds), campaign: CampaignID(rawValue: 0),
                code: CodeID(upload: UploadID(rawValue: 0), ordinal: ordinal), user: UserKey(user.span))
            encoder.encode(record, userBytes: user.span, userID: Span(), into: &writer.batch.bytes)
            writer.batch.recordCount += 1
        }
        #expect(try life.loops[0].commit() == .durable)
        world.crashLosingWrites()
    }
}

/// A way of running a recovery's pieces.
enum Workers: CustomStringConvertible, Sendable {
    case threads(Int)
    /// On one thread, the last piece first.
    case reversed
    /// On one thread, in an order that the seed gives.
    case shuffled(seed: UInt64)

    static let all: [Workers] =
        [.threads(1), .threads(2), .threads(3), .threads(8), .reversed]
        + (0..<4).map { .shuffled(seed: $0) }

    var description: String {
        switch self {
        case .threads(let count): "\(count) threads"
        case .reversed: "reversed"
        case .shuffled(let seed): "shuffled, SEED=\(seed)"
        }
    }

    func make() -> RecoveryWorkers {
        switch self {
        case .threads(let count):
            RecoveryWorkers(count: count) { pieces, body in
                let next = Atomic(0)
                DispatchQueue.concurrentPerform(iterations: count) { _ in
                    while true {
                        let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
                        if piece >= pieces { return }
                        body(piece)
                    }
                }
            }
        case .reversed:
            RecoveryWorkers(count: 2) { pieces, body in for piece in (0..<pieces).reversed() { body(piece) } }
        case .shuffled(let seed):
            RecoveryWorkers(count: 2) { pieces, body in
                var random = SplitMix64(seed: seed &+ UInt64(pieces))
                for piece in (0..<pieces).shuffled(using: &random) { body(piece) }
            }
        }
    }
}

/// ``Digest``, with the codes' owners, the codes in the order in which they would go out, and what was told.
private struct WholeState: Equatable {
    let digest: Digest
    let owners: [[UInt32?]]
    let nextCodes: [CodeID]
    let notices: [RecoveryNotice]
    let counters: RecoveredState.Counters

    /// Takes all codes out of the pools of `state`.
    init(_ state: RecoveredState) {
        digest = Digest(state)
        owners = state.catalog.uploads.map { upload in
            (0..<Ordinal(upload.count)).map { upload.codes.owner(of: $0)?.rawValue }
        }
        var codes: [CodeID] = []
        for list in state.catalog.lists { while let claim = list.pool.claim() { codes.append(claim.code) } }
        nextCodes = codes
        notices = state.notices
        counters = state.counters
    }

    /// Whether a code that goes out stands before one that is given.
    var hasHoles: Bool {
        nextCodes.contains { hole in
            owners[Int(hole.upload.rawValue)][(Int(hole.ordinal) + 1)...].contains { $0 != nil }
        }
    }
}
