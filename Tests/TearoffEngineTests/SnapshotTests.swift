import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Snapshots: they stop nothing, lose nothing, and two are kept")
struct SnapshotTests {
    static func manifest(_ number: UInt64) -> String { "manifest-\(Hex.encode(number))" }

    static func blobs(of number: UInt64, in world: World) throws -> Set<BlobID> {
        let bytes = try world.blobs.readNamed(manifest(number))
        let manifest = try Manifest(decoding: bytes.span, directory: World.directory)
        return manifest.blobs
    }

    /// Two lives' worth of codes, uploads and snapshots.
    static func worldWithSnapshots(_ count: Int, loops: Int = 2) throws -> World {
        let world = World()
        let life = try world.start(loops: loops)
        try life.supply(codes: 100)
        for number in 0..<count {
            try life.give("u\(number)", loop: number % loops)
            try life.snapshot()
        }
        try life.give("after", loop: 0)
        life.settle()
        return world
    }

    /// Goal: a recovered snapshot holds everything before it, the log the rest. Method: rows on both sides.
    @Test func aSnapshotAndTheLogSinceAreTheWholeState() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 50)
        for number in 0..<20 { try life.give("u\(number)", userID: "m\(number)", loop: number % 2) }
        let receipt = try life.snapshot()
        #expect(receipt.number == 1 && receipt.rows == 20 && receipt.bytesWritten > 0)
        for number in 20..<30 { try life.give("u\(number)", loop: number % 2) }
        try life.createList("later")
        life = try world.restart()
        let counters = try #require(world.recovered).counters
        #expect(counters.rowsFromSnapshot == 20 && counters.rowsFromLog == 10)
        for number in 0..<30 { #expect(try life.give("u\(number)") == "K\(number)") }
        #expect(life.engine.latestCatalog.list(named: "later") != nil)
    }

    /// Goal: no snapshot has an allocation that a crash can take away: a repeat would be answered from it, with no record
    /// behind it. Method: a code whose frame stays in flight, taken at each step of a snapshot; whatever has a name by
    /// then has no row of it.
    @Test func noSnapshotIsAheadOfTheLog() throws {
        var (wasHeldBack, isOver) = (false, false)
        for count in 0..<200 where !isOver {
            let world = World()
            let life = try world.start(loops: 2, slow: true)
            try life.supply(codes: 5)
            let reply = life.askForSnapshot()
            for _ in 0..<count where !life.step() { life.complete(life.lanes) }
            isOver = reply.value != nil
            _ = try life.allocate("u", loop: 0)
            _ = try life.loops[0].commit()
            for _ in 0..<40 {
                life.pump()
                life.complete(life.lanes.filter { $0 != LaneID(rawValue: 0) })
            }
            func rows() throws -> UInt64? {
                guard try world.blobs.listNamed().contains(Self.manifest(1)) else { return nil }
                let bytes = try world.blobs.readNamed(Self.manifest(1))
                let manifest = try Manifest(decoding: bytes.span, directory: World.directory)
                return manifest.shards.reduce(0) { $0 + $1.rowCount }
            }
            #expect(try rows() ?? 0 == 0, "after \(count) steps")
            life.settle()
            #expect(reply.value != nil)
            wasHeldBack = try wasHeldBack || rows() == 1
        }
        #expect(isOver && wasHeldBack)
    }

    /// Goal: what covered log may go goes, and nothing more. Method: after one snapshot all segments are
    /// there, after two those before the first snapshot's start are gone, after three the first manifest.
    @Test func coveredLogGoesWithTheSecondSnapshotOnly() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 100)
        let first = SegmentID(lane: LaneID(rawValue: 0), number: .first)
        let firstControl = SegmentID(lane: .control, number: .first)
        for number in 1...3 {
            for loop in 0..<2 { try life.give("u\(number)-\(loop)", loop: loop) }
            try life.snapshot()
            let isThere = number < 2
            #expect((world.log.bytes(of: first) != nil) == isThere, "after snapshot \(number)")
            #expect((world.log.bytes(of: firstControl) != nil) == isThere)
            #expect(
                try world.blobs.listNamed() == (max(1, number - 1)...number).map { Self.manifest(UInt64($0)) }
            )
        }
        #expect(world.log.bytes(of: SegmentID(lane: first.lane, number: SegmentNumber(rawValue: 2))) == nil)
        #expect(world.log.bytes(of: SegmentID(lane: first.lane, number: SegmentNumber(rawValue: 3))) != nil)
    }

    /// Goal: a blob goes when no kept snapshot and no list names it, and not before. Method: history chunks
    /// of changing tails, an upload's blob, and one that a failed upload left.
    @Test func blobsGoOnlyWhenNothingNamesThem() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 100)
        let upload = try world.blobs.all()
        #expect(upload.count == 1)
        let writer = try world.blobs.makeWriter()
        let content: [UInt8] = [1, 2, 3]
        try writer.append(content.span)
        let orphan = try writer.finish()
        var manifests: [[BlobID]] = []
        for number in 0..<4 {
            try life.give("u\(number)")
            try life.snapshot()
            manifests.append(Array(try Self.blobs(of: UInt64(number) + 1, in: world)))
            let named = Set(manifests.suffix(2).joined() + upload)
            let there = Set(try world.blobs.all())
            #expect(there.isSuperset(of: named))
            if number > 0 { #expect(there == named) } else { #expect(there.contains(orphan)) }
        }
    }

    /// Goal: the newest snapshot unreadable: the one before and its log are used, told, and set aside.
    @Test(arguments: ["bits", "cut", "chunk", "rows"])
    func theSnapshotBeforeStandsInForADamagedOne(damage: String) throws {
        let world = try Self.worldWithSnapshots(3)
        let name = Self.manifest(3)
        var bytes = try world.blobs.readNamed(name)
        let before = try Self.blobs(of: 2, in: world)
        switch damage {
        case "bits": bytes[bytes.count / 2] ^= 1
        case "cut": bytes.removeLast(5)
        case "rows":
            let manifest = try Manifest(decoding: bytes.span, directory: World.directory)
            bytes = try Self.withOneRowMore(manifest).encode()
        default:
            let chunks = try Self.blobs(of: 3, in: world).subtracting(before)
            world.blobs.replace(try #require(chunks.first), with: [0, 1, 2])
        }
        world.blobs.replaceNamed(name, with: bytes)
        var life = try world.restart()
        let notices = try #require(world.recovered).notices
        #expect(notices.contains { if case .snapshotUnusable(3, _) = $0 { true } else { false } })
        #expect(try world.blobs.listNamed() == [Self.manifest(2)], "it is set aside, not removed")
        for (index, user) in ["u0", "u1", "u2", "after"].enumerated() {
            #expect(try life.give(user) == "K\(index)")
        }
        #expect(try life.snapshot().number == 4, "its number is not used again")
        life = try world.restart()
        #expect(try life.give("after") == "K3")
    }

    /// As if a chunk had lost a row.
    private static func withOneRowMore(_ manifest: Manifest) throws -> Manifest {
        var shards = manifest.shards
        let index = try #require(shards.firstIndex { $0.rowCount > 0 })
        shards[index] = Manifest.ShardHistory(
            lastSequence: shards[index].lastSequence, rowCount: shards[index].rowCount + 1,
            chunks: shards[index].chunks, holdCount: shards[index].holdCount, holdChunks: shards[index].holdChunks)
        return Manifest(
            directory: manifest.directory, number: manifest.number, at: manifest.at, revision: manifest.revision,
            catalog: manifest.catalog, audit: manifest.audit, shards: shards, keyChunks: manifest.keyChunks,
            lanes: manifest.lanes)
    }

    /// Goal: without a readable snapshot, and with log that is gone, the start is refused: never an empty
    /// state.
    @Test func withoutAnyReadableSnapshotTheStartIsRefused() throws {
        let world = try Self.worldWithSnapshots(3)
        for number in [UInt64(2), 3] { world.blobs.replaceNamed(Self.manifest(number), with: [0]) }
        world.crash()
        #expect(throws: RecoveryError.self) { _ = try world.recover() }
        for number in [UInt64(2), 3] { world.blobs.replaceNamed(Self.manifest(number), with: nil) }
        #expect(throws: RecoveryError.self) { _ = try world.recover() }
        #expect(try world.blobs.listNamed().isEmpty)
    }

    /// Goal: with one snapshot only, the log from the beginning stands in for it.
    @Test func theWholeLogStandsInForTheFirstSnapshot() throws {
        let world = try Self.worldWithSnapshots(1)
        world.blobs.replaceNamed(Self.manifest(1), with: [0])
        let life = try world.restart()
        #expect(try life.give("u0") == "K0" && life.give("after") == "K1")
    }

    /// Goal: nothing goes as long as what would stand in for it may be damaged. Method: the second snapshot is damaged
    /// on disk, unnoticed, before the third is written, and the third behind it.
    @Test func anUnreadableSnapshotIsNoGroundToRemoveAnything() throws {
        let world = try Self.worldWithSnapshots(2)
        world.blobs.replaceNamed(Self.manifest(2), with: [1, 2, 3])
        try #require(world.life).snapshot()
        #expect(try world.blobs.listNamed() == [1, 2, 3].map(Self.manifest))
        world.blobs.replaceNamed(Self.manifest(3), with: [1, 2, 3])
        let life = try world.restart()
        for (index, user) in ["u0", "u1", "after"].enumerated() { #expect(try life.give(user) == "K\(index)") }
    }

    /// Goal: allocations, uploads and changes go on while a snapshot is written, and are all there
    /// afterwards. Method: between any two pieces of work something is done.
    @Test func servingGoesOnWhileASnapshotIsWritten() throws {
        let world = World()
        var life = try world.start(loops: 3)
        try life.supply(codes: 500)
        var given: [String: CodeID] = [:]
        var number = 0
        var dice = SplitMix64(seed: 7)
        life.choose = { Int.random(in: 0..<$0, using: &dice) }
        for round in 0..<3 {
            let reply = life.askForSnapshot()
            repeat {
                let user = "u\(number)"
                given[user] = try life.allocate(user, loop: number % 3).code
                _ = try life.loops[number % 3].commit()
                if number % 5 == 0 {
                    _ = life.change {
                        $0.createList(
                            name: "l\(number)", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
                    }
                }
                number += 1
                life.step()
                if !life.mail.hasWork { life.pump() }
            } while reply.count == 0 && number < 400
            #expect(try #require(reply.value).get().number == UInt64(round) + 1)
        }
        life.settle()
        let lists = life.engine.latestCatalog.lists.count
        life = try world.restart(loops: 2)
        #expect(life.engine.latestCatalog.lists.count == lists && lists > 2)
        for (user, code) in given { #expect(try life.allocate(user, loop: 1).code == code) }
        #expect(Set(given.values).count == given.count)
        #expect(try life.ledger().given == UInt64(given.count))
    }

    /// Goal: an upload that is committed while a snapshot cleans up keeps its codes. Method: its commit waits
    /// for its turn at each moment of the cleaning.
    @Test func anUploadDuringTheCleaningKeepsItsBlob() throws {
        for moment in 0..<12 {
            let world = try Self.worldWithSnapshots(1)
            var life = try #require(world.life)
            let id = try life.beginUpload("NEW0\nNEW1\n")
            life.pump()
            let snapshot = life.askForSnapshot()
            for _ in 0..<moment { life.step() }
            let reply = life.commitUpload(id)
            var dice = SplitMix64(seed: UInt64(moment))
            life.choose = { Int.random(in: 0..<$0, using: &dice) }
            life.settle()
            #expect(try #require(snapshot.value).get().number == 2)
            #expect(try #require(reply.value).get().counts.codes == 2)
            life = try world.restart()
            #expect(try life.ledger().uploaded == 102)
        }
    }

    /// What the first snapshot says without the log behind it, as in a backup.
    private static func firstSnapshotAlone(of world: World) throws -> RecoveredState {
        let bytes = try world.blobs.readNamed(manifest(1))
        let manifest = try Manifest(decoding: bytes.span, directory: World.directory)
        let alone = World()
        for blob in manifest.blobs { _ = try alone.blobs.copy(blob, from: world.blobs) }
        return try Recovery.read(manifest, from: alone.source)
    }

    /// Goal: a snapshot is of one moment, with no row of an upload that its catalog does not know. Method: at each moment of
    /// it its next piece of work waits until another upload was committed, and a code of it given.
    @Test func aSnapshotMakesSenseWithoutItsLog() throws {
        var isOver = false
        for moment in 0..<100 where !isOver {
            let world = World()
            let life = try world.start()
            try life.supply(codes: 2)
            try life.give("a")
            let id = try life.beginUpload("NEW\n")
            life.pump()
            let snapshot = life.askForSnapshot()
            for _ in 0..<moment { life.step() }
            isOver = snapshot.value != nil
            let upload = life.commitUpload(id)
            while upload.value == nil {
                // The upload's work is behind the snapshot's.
                let goesOn = life.mail.hasControlWork || life.mail.hasLoopWork
                life.choose = goesOn ? { _ in 0 } : { $0 - 1 }
                #expect(life.step())
            }
            #expect(try [life.give("b"), life.give("c")] == ["K1", "NEW"])
            life.choose = { _ in 0 }
            life.settle()
            #expect(try #require(snapshot.value).get().number == 1)
            let rows = try Self.firstSnapshotAlone(of: world).counters.rowsFromSnapshot
            #expect((1...3).contains(rows), "moment \(moment)")
        }
        #expect(isOver)
    }

    /// Goal: no key is in a snapshot whose use is not. Method: another thread uses one while the snapshot is cut: between
    /// any of its pieces of work and the clock's reading in it.
    @Test func noKeyIsAheadOfItsUse() throws {
        var (interruptions, isOver) = (0, false)
        for moment in 0..<100 where !isOver {
            let world = World()
            let life = try world.start()
            try life.supply(codes: 3)
            _ = try life.give("a", key: "first")
            let snapshot = life.askForSnapshot()
            for _ in 0..<moment { life.step() }
            isOver = snapshot.value != nil
            let given = Reply<Bool>()
            if !life.mail.hasControlWork, !life.mail.hasLoopWork {
                // SAFETY: it is called in the step below, on this thread, or not at all.
                nonisolated(unsafe) let running = life
                world.clock.interruptNextReading { given.set((try? unsafe running.give("b", key: "second")) != nil) }
            }
            life.step()
            world.clock.interruptNextReading(nil)
            life.settle()
            interruptions += given.value == true ? 1 : 0
            #expect(try #require(snapshot.value).get().number == 1)
            let alone = try Self.firstSnapshotAlone(of: world)
            #expect(alone.keys.count == Int(alone.counters.rowsFromSnapshot), "moment \(moment)")
        }
        #expect(interruptions > 1 && isOver)
    }

    /// Goal: one snapshot at a time.
    @Test func aSecondSnapshotAtOnceIsBusy() throws {
        let world = World()
        let life = try world.start()
        let first = life.askForSnapshot()
        let second = life.askForSnapshot()
        #expect(throws: ControlError.busy) { _ = try second.value?.get() }
        life.settle()
        #expect(try #require(first.value).get().rows == 0)
        #expect(try life.snapshot().number == 2)
    }

    /// Goal: a snapshot that cannot be written hurts nothing: told, and the next one works.
    @Test func aSnapshotThatFailsIsToldAndTheNextOneWorks() throws {
        let world = try Self.worldWithSnapshots(2)
        let life = try #require(world.life)
        world.blobs.fail(call: 1)
        let reply = life.askForSnapshot()
        life.settle()
        #expect(throws: ControlError.self) { _ = try #require(reply.value).get() }
        #expect(life.events.contains { if case .snapshotFailed = $0 { true } else { false } })
        #expect(life.engine.failure == nil)
        #expect(try life.give("more") == "K3")
        #expect(try life.snapshot().number == 3)
    }

    /// Goal: snapshots come by themselves when enough log was written, without an operator.
    @Test func snapshotsComeByThemselves() throws {
        let world = World()
        let life = try world.start(loops: 2, snapshotLogBytes: 8 << 10)
        try life.supply(codes: 400)
        for number in 0..<40 {
            try life.give("u\(number)", loop: number % 2)
            life.settle()
        }
        #expect(life.control.snapshots.latestNumber > 1)
        #expect(try life.ledger().given == 40)
    }
}
