import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("An encrypted feed tells what any feed tells, and nobody else reads it")
struct EncryptedFeedTests {
    /// Goal: a round trip over lives, a new data key in between, and nothing in clear. Method: a feed of two lives,
    /// whose bytes are searched for its users.
    @Test func itComesBackAndNothingStandsInClear() throws {
        let world = World(isEncrypted: true)
        var life = try world.start(feed: .ample)
        try life.supply(codes: 30)
        for number in 0..<10 { try life.give("someone-\(number)") }
        life.tellAll()
        try #require(world.cipher).rotate()
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        for number in 10..<20 { try life.give("someone-\(number)") }
        life.tellAll()
        #expect(try life.feedAllocations() == life.feedOracle())
        #expect(try life.feedWords().contains("given someone-3 K3"))
        let bytes = Array(world.feed.files.values.joined())
        #expect(!bytes.contains(Array("someone".utf8)) && bytes.count > 500)
        let plain = World()
        let control = try plain.start(feed: .ample)
        try control.supply(codes: 30)
        try control.give("someone-0")
        control.tellAll()
        let clear = Array(plain.feed.files.values.joined())
        #expect(clear.contains(Array("someone".utf8)), "the search finds it")
    }

    /// Goal: what a crash leaves of a frame is written over under another key. Method: writes that fail in the middle,
    /// in many lives; the cipher ends the process when a key meets a nonce twice.
    @Test func whatACrashLeavesIsNeverEncryptedAnew() throws {
        let world = World(isEncrypted: true)
        for number in 0..<12 {
            let life = try world.start(feed: .ample)
            if number == 0 { try life.supply(codes: 30) }
            try life.give("someone-\(number)")
            world.feed.fail(call: number % 3 == 0 ? nil : number % 4 + 1)
            life.tellAll()
            world.feed.fail(call: nil)
            world.crashLosingWrites()
        }
        let life = try world.start(feed: .ample)
        life.tellAll()
        #expect(try life.feedAllocations() == life.feedOracle())
    }

    /// Goal: an altered frame is not told. Method: each byte of a frame behind its header, with both checksums put right.
    @Test func alteredFramesAreNotTold() throws {
        let world = World(isEncrypted: true)
        let life = try world.start(feed: .ample)
        try life.supply(codes: 3)
        life.tellAll()
        let whole = try #require(world.feed.files[.first])
        let stored = Int(whole.span.littleEndian(UInt32.self, at: 4))
        let directory = World.directory.bytes
        let seed = CRC32C.checksum(directory.span)
        for place in [24, 40, 44, 76, 80, 40 + stored - 1] {
            var changed = whole
            changed[place] ^= 1
            let payload = CRC32C.checksum(changed.span.extracting(40..<40 + stored))
            changed.storeLittleEndian(payload, at: 32)
            let header = CRC32C.checksum(changed.span.extracting(0..<36), continuing: seed)
            changed.storeLittleEndian(header, at: 36)
            world.feed.replace(.first, with: changed)
            let reply = try life.askForFeed()
            guard case .failure? = reply.value else {
                Issue.record("byte \(place) was told")
                continue
            }
        }
        world.feed.replace(.first, with: whole)
        #expect(try life.feed().count == 3)
    }
}
