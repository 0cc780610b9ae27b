import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Backups: a snapshot with all that it needs, or nothing that looks like one")
struct BackupTests {
    /// Goal: a backup holds what was acknowledged when it began, and no more. Method: its label, its manifest and its
    /// blobs against the source's; then what a recovery reads of it.
    @Test func aBackupHoldsASnapshotAndAllItsBlobs() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 20)
        for number in 0..<8 { try life.give("u\(number)", loop: number % 2) }
        let place = SimulatedBlobStore()
        let receipt = try life.backUp(to: place)
        try life.give("later")
        let label = try place.label()
        let manifest = try place.manifest()
        #expect(label.directory == World.directory && label.shardCount == 4 && label.snapshot == 1)
        #expect(Set(try place.all()) == manifest.blobs && receipt.blobs == manifest.blobs.count)
        #expect(try place.listNamed() == ["BACKUP", "manifest-0000000000000001"])
        #expect(manifest.shards.reduce(0) { $0 + $1.rowCount } == 8)
        #expect(receipt.at == manifest.at && label.byteCount == receipt.byteCount)
        let acts = manifest.audit.tail.map(\.act)
        #expect(acts.last == Act(.backup, object: "monday", after: "snapshot=1"))
    }

    /// Goal: whatever call fails, there is a whole backup or none that says it is one, and the next one succeeds.
    /// Method: the n-th call of the place, for all n until a run is clean.
    @Test func aBackupThatIsCutShortHasNoLabel() throws {
        var call = 0
        var failed = true
        while failed && call < 100 {
            call += 1
            let world = World()
            let life = try world.start()
            try life.supply(codes: 20)
            for number in 0..<8 { try life.give("u\(number)") }
            let place = SimulatedBlobStore()
            place.fail(call: call)
            let reply = life.askForBackup(to: place)
            life.settle()
            failed = place.failureCount > 0
            place.fail(call: nil)
            let result = try #require(reply.value)
            if failed {
                guard case .backup(.cutShort("monday", _))? = result.error else {
                    Issue.record("call \(call): \(result)")
                    return
                }
                #expect(try place.listNamed().contains("BACKUP") == false)
            }
            #expect(life.engine.failure == nil)
            try life.backUp(to: SimulatedBlobStore())
        }
        #expect(call > 3 && !failed)
    }

    /// Goal: what is being copied is not removed meanwhile. Method: snapshots that are asked for during a backup.
    @Test func oneAtATimeWithSnapshots() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 20)
        let place = SimulatedBlobStore()
        let first = life.askForBackup(to: place)
        var refused = 0
        while first.value == nil, life.step() || life.mail.hasWork {
            let snapshot = life.askForSnapshot()
            let second = life.askForBackup(to: SimulatedBlobStore())
            if first.value == nil {
                #expect(snapshot.value?.error == .busy && second.value?.error == .busy)
                refused += 1
            }
        }
        #expect(refused > 3)
        _ = try #require(first.value).get()
        life.settle()
        try life.snapshot()
    }

    /// Goal: a place that cannot be made costs no snapshot. Method: a refusal.
    @Test func aRefusedPlaceWritesNothing() throws {
        let world = World()
        let life = try world.start()
        let reply = Reply<Result<BackupReceipt, ControlError>>()
        life.control.asked(by: Life.origin).backup(
            "monday", to: { () throws(BackupError) in throw .exists("monday") }, version: "0"
        ) { reply.set($0) }
        life.settle()
        #expect(reply.value?.error == .backup(.exists("monday")))
        #expect(try world.blobs.listNamed().isEmpty)
        try life.snapshot()
    }
}
