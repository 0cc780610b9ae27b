import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("A log whose records contradict each other is refused")
struct DuplicateRecordTests {
    /// Gives `u` one code, and then lets the same lane say one thing more that the engine never decided.
    private func forge(
        sequence: UInt64, code: (Allocation) -> CodeID, in world: World
    ) throws {
        let life = try world.start()
        try life.supply(codes: 10)
        let allocation = try life.allocate("u")
        life.settle()
        let user = Array("u".utf8)
        let record = AllocationRecord(
            shard: UserRouting(shardCount: world.shardCount).shard(of: user.span),
            sequence: SequenceNumber(rawValue: sequence),
            givenAt: Timestamp(milliseconds: World.firstMilliseconds), campaign: CampaignID(rawValue: 0),
            code: code(allocation), user: UserKey(user.span))
        var encoder = AllocationEncoder(shardCount: world.shardCount)
        let writer = life.loops[0].writer
        encoder.encode(record, userBytes: user.span, userID: Span(), into: &writer.batch.bytes)
        writer.batch.recordCount += 1
        #expect(try life.loops[0].commit() == .durable)
        world.crashLosingWrites()
    }

    private let freeCode = CodeID(upload: UploadID(rawValue: 0), ordinal: 7)

    /// Goal: one sequence number never stands for two records. Method: a second record repeats it with a free code.
    @Test func aSequenceNumberThatStandsTwiceIsRefused() throws {
        let world = World()
        try forge(sequence: 1, code: { _ in freeCode }, in: world)
        #expect(throws: RecoveryError.self) { _ = try world.recover() }
    }

    /// Goal: a code never has two users. Method: a second record gives the same code under the next number.
    @Test func aCodeThatWasGivenTwiceIsRefused() throws {
        let world = World()
        try forge(sequence: 2, code: \.code, in: world)
        #expect(throws: RecoveryError.self) { _ = try world.recover() }
    }

    /// Goal: the two refusals are for their reasons. Method: the next number and a free code are taken.
    @Test func aRecordThatFitsIsTaken() throws {
        let world = World()
        try forge(sequence: 2, code: { _ in freeCode }, in: world)
        #expect(try world.recover().catalog.lists[0].pool.totalFree == 8)
    }
}
