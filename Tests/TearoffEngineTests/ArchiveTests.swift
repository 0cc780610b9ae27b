import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

/// When the lists of these tests expire.
private let expiry = World.firstMilliseconds + day

extension World {
    /// List `l` of two uploads, past its expiry, with codes in every state: K0 and K3 given, K1 burned, K2 free before
    /// the cursor, K4 to K6 free, L0 to L2 withdrawn, M0 and M1 free.
    fileprivate func startWithEveryState(loops: Int = 2) throws -> Life {
        let life = try start(loops: loops)
        try life.supply(codes: 7, rule: .once, expiresAt: expiry)
        try life.upload(["L0", "L1", "L2"])
        try life.undone(1)
        try life.upload(["M0", "M1"])
        try life.createCampaign("q", returns: .quarantine)
        try life.createCampaign("r", returns: .reuse)
        #expect(try life.give("a") == "K0" && life.hold("b", in: "q") == "K1" && life.hold("d", in: "r") == "K2")
        #expect(try life.give("e", loop: loops - 1) == "K3")
        try life.end(.released, "b", in: "q")
        try life.end(.released, "d", in: "r")
        life.settle()
        expire(life)
        return life
    }

    fileprivate func expire(_ life: Life) {
        clock.milliseconds = max(clock.milliseconds, expiry + 1)
        life.fireExpiry()
        life.settle()
    }
}

extension Life {
    /// Gives the list another day, and lets its campaign go on.
    fileprivate func revive(_ world: World) throws {
        try setExpiry(at: world.clock.milliseconds + day)
        try changed { $0.resumeCampaign(name: "c", done: $1) }
    }
}

@Suite("An archived list gives nothing, keeps its history, and comes back as it was")
struct ArchiveTests {
    /// free, held, given, withdrawn, burned of ``World/startWithEveryState(loops:)``.
    private static let counts: [UInt64] = [6, 0, 2, 3, 1]
    private static let order = ["K2", "K4", "K5", "K6", "M0", "M1"]

    /// Goal: its ledger stays, over restarts with and without a snapshot; what comes back goes out in the order in which
    /// it would have, and nothing twice. Method: every state of a code; a restart at each stage.
    @Test(arguments: [false, true]) func itComesBackAsItWas(hasSnapshots: Bool) throws {
        let world = World()
        var life = try world.startWithEveryState()
        func restart() throws {
            if hasSnapshots { try life.snapshot() }
            life = try world.restart(loops: 2)
            #expect(try life.counts() == Self.counts)
        }
        try life.archive()
        for _ in 0..<2 {
            #expect(try life.isAway() && life.counts() == Self.counts)
            #expect(try life.list().archivedAt?.milliseconds == expiry + 1)
            #expect(try life.decide("a").refusal == .listExpired && life.decide("new").refusal == .listExpired)
            try restart()
        }
        try life.bringBack()
        #expect(try !life.isAway() && life.counts() == Self.counts && life.list().archivedAt == nil)
        #expect(
            life.control.audit.trail.tail.map(\.act).suffix(2) == [
                Act(.listArchive, object: "l", before: "archived=no", after: "archived=yes"),
                Act(.listReturn, object: "l", before: "archived=yes", after: "archived=no"),
            ])
        #expect(try life.decide("a").refusal == .listExpired)
        try restart()
        try life.revive(world)
        #expect(try life.give("a") == "K0", "a repeat")
        #expect(try life.give("first") == Self.order[0])
        if hasSnapshots { try life.snapshot() }
        life = try world.restart(loops: 2)
        #expect(try [life.give("first")] + life.drain(loop: 1) == Self.order)
        #expect(try life.counts() == [0, 0, 8, 3, 1])
        #expect(life.engine.failure == nil)
    }

    /// Goal: what must not happen meanwhile is refused, says why, and changes nothing. Method: each command.
    @Test func whatMustWaitIsRefused() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 3, expiresAt: expiry)
        #expect(life.refusal(of: life.askToArchive()) == .listNotExpired("l"))
        #expect(life.refusal(of: life.askToArchive("x")) == .noList("x"))
        #expect(life.refusal(of: life.askToBringBack()) == .listNotArchived("l"))
        try life.hold("a", for: 3 * day)
        world.expire(life)
        #expect(life.refusal(of: life.askToArchive()) == .listHeld("l"))
        try life.end(.released, "a")
        try life.archive()
        #expect(life.refusal(of: life.askToArchive()) == .listArchived("l"))
        let later = Timestamp(milliseconds: world.clock.milliseconds + day)
        for reply in [
            life.change { $0.setExpiry(list: "l", expiresAt: later, done: $1) },
            life.change { $0.createCampaign(name: "d", list: "l", rule: .once, returns: .standard, done: $1) },
            life.change { $0.resumeCampaign(name: "c", done: $1) },
        ] { #expect(life.refusal(of: reply) == .listArchived("l")) }
        #expect(life.control.uploads.begin(list: "l", fileName: "").error == .catalog(.listArchived("l")))
        #expect(try life.isAway() && !life.list().isFrozen)
        try life.undone(0)
        #expect(try life.counts() == [0, 0, 0, 2, 1], "withdrawn while it is away")
        try life.bringBack()
        #expect(try life.counts() == [0, 0, 0, 2, 1])
    }

    /// Goal: a code that is on its way back is not lost. Method: a release that is not durable yet.
    @Test func aCodeOnItsWayBackIsWaitedFor() throws {
        let world = World()
        let life = try world.start(slow: true)
        try life.supply(codes: 2, returns: .reuse, expiresAt: expiry)
        _ = try life.decideHold("a", for: hour)
        life.settle()
        _ = try life.decideEnd(.released, "a")
        world.clock.milliseconds = expiry + 1
        let reply = life.askToArchive()
        for _ in 0..<50 {
            life.completeControl()
            life.step()
        }
        #expect(reply.value?.error == .catalog(.listHeld("l")))
        world.expire(life)
        try life.archive()
        try life.bringBack()
        try life.revive(world)
        #expect(try life.counts() == [2, 0, 0, 0, 0])
    }

    /// Goal: the memory of its codes is freed. Method: a weak reference to a strip; that a pool holds no other is told by
    /// the list's own.
    @Test func itsCodesLeaveTheMemory() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 5_000, expiresAt: expiry)
        try life.give("a")
        world.expire(life)
        weak let strip = life.engine.latestCatalog[UploadID(rawValue: 0)].codes.strips.first
        #expect(life.engine.latestCatalog[UploadID(rawValue: 0)].codes.unusedByteCount > 40_000)
        #expect(strip != nil)
        try life.archive()
        // Terms of before are let go with the next that are asked for.
        for loop in 0..<2 { #expect(try life.decide("b", loop: loop).refusal == .listExpired) }
        life.settle()
        #expect(strip == nil)
        #expect(life.engine.latestCatalog[UploadID(rawValue: 0)].codes.unusedByteCount == 0)
    }

    /// Goal: look-ups and exports tell of it what they told before. Method: each code and each selection, before and
    /// behind, over a restart.
    @Test func itsHistoryStaysReadable() throws {
        let world = World()
        var life = try world.startWithEveryState()
        let codes = (0..<7).map { "K\($0)" } + ["L0", "M1", "none"]
        func places() throws -> [[CodeState]] { try codes.map { try life.findOnDisk($0).found.map(\.state) } }
        func exports() throws -> [[String]] {
            try [ExportQuery.Selection.given, .free, .all].flatMap { selection in
                try [nil, UploadID(rawValue: 0), UploadID(rawValue: 1)].map { upload in
                    try life.exported(selection, upload: upload)
                }
            }
        }
        let before = (try places(), try exports())
        let history = life.history("a").found.map(\.code)
        #expect(life.text(history[0]) == "K0")
        try life.archive()
        for _ in 0..<2 {
            #expect(try places() == before.0)
            #expect(try exports() == before.1)
            #expect(life.history("a").found.map(\.code) == history)
            #expect(life.loops[0].archivedCodes(in: life.history("a")) == history)
            #expect(try life.texts(of: history) == ["K0"])
            let place = try life.findOnDisk("K3")
            #expect(place.found[0].owner.map { place.text($0.user) } == "e")
            life = try world.restart(loops: 2)
        }
    }

    /// Goal: look-ups wait in a bounded line. Method: one more than may wait.
    @Test func lookUpsWaitInABoundedLine() throws {
        let world = World()
        let life = try world.startWithEveryState()
        try life.archive()
        let replies = (0..<(ArchiveDesk.waitingMaximum + 2)).map { _ in
            let reply = Reply<Result<[CodeID], ControlError>>()
            life.control.archive.find(Array("K0".utf8), in: life.loops[0].archivedUploads) { reply.set($0) }
            return reply
        }
        #expect(replies.last?.value?.error == .busy && replies.first?.value == nil)
        life.settle()
        #expect(try replies.dropLast().allSatisfy { try $0.value?.get().count == 1 })
    }

    /// Goal: without its blob, or with a damaged one, it stays archived and nothing is lost, over a start that does not
    /// read it; with the blob again it comes back. Method: both faults.
    @Test(arguments: [false, true]) func withoutItsBlobItStaysArchived(isDamaged: Bool) throws {
        let world = World()
        var life = try world.startWithEveryState()
        try life.archive()
        let blob = try #require(try life.list().uploads[0].blob)
        var content: [UInt8] = []
        try world.blobs.readAll(blob, into: &content)
        world.blobs.replace(blob, with: isDamaged ? [0x58] + content.dropFirst() : nil)
        for _ in 0..<2 {
            let reply = life.askToBringBack()
            life.settle()
            guard case .unreadableCodes(let error)? = reply.value?.error else {
                Issue.record("\(String(describing: reply.value))")
                return
            }
            #expect(error.file == "blobs/\(blob)")
            #expect(try life.isAway() && life.counts() == Self.counts)
            #expect(throws: ControlError.self) { try life.findOnDisk("K0") }
            life = try world.restart(loops: 2)
        }
        world.blobs.replace(blob, with: content)
        try life.bringBack()
        try life.revive(world)
        #expect(try life.drain() == Self.order)
    }

    /// Goal: an archive and a return are whole or not at all, wherever a crash comes. Method: a crash behind each number
    /// of steps; then what is free goes out, in order and once.
    @Test(arguments: [false, true]) func aCrashInBetweenLosesNothing(returns: Bool) throws {
        var steps = 0
        while true {
            let world = World()
            var life = try world.startWithEveryState()
            if returns { try life.archive() }
            let reply = returns ? life.askToBringBack() : life.askToArchive()
            for _ in 0..<steps { life.step() }
            let isOver = reply.value != nil
            life = try world.restart(loops: 2)
            #expect(try life.counts() == Self.counts)
            if isOver { #expect(try life.isAway() == !returns) }
            if try life.list().isArchived { try life.bringBack() }
            try life.revive(world)
            #expect(try life.drain() == Self.order)
            if isOver { break }
            steps += 1
        }
        #expect(steps > 3)
    }

    /// Goal: what a restore burned stays burned when the list comes back. Method: a backup of an archived list.
    @Test func aRestoredListComesBackWithoutWhatWasBurned() throws {
        let world = World()
        let life = try world.startWithEveryState()
        try life.archive()
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, outcome) = try World.restored(from: place, burning: .next(3), at: world.clock.milliseconds)
        #expect(outcome.burned == [4])
        var again = try restored.start()
        #expect(try again.isAway() && again.counts() == [2, 0, 2, 3, 5])
        try again.bringBack()
        again = try restored.restart()
        try again.revive(restored)
        #expect(try again.drain() == ["M0", "M1"])
    }

    /// Goal: a code of it that another campaign's user has is not told, by a repeat or under a key, and no other is given
    /// in its place while the list is no more among those that the campaign overflows to. Method: such a campaign.
    @Test func aRepeatOfAnArchivedCodeIsRefused() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 2, expiresAt: expiry)
        try life.createList("own")
        try life.upload(["O0"], to: "own")
        try life.createCampaign("over", list: "own", rule: .once)
        try life.changed { $0.setCampaign(name: "over", rule: nil, returns: nil, edits: [.overflow(["l"])], done: $1) }
        world.clock.milliseconds = expiry - hour
        #expect(try life.give("a", in: "over") == "O0" && life.give("b", in: "over") == "K0")
        let keyed = try life.give("d", key: "k", in: "over")
        #expect(keyed.code == "K1")
        try life.upload(["O1"], to: "own")
        world.expire(life)
        try life.archive()
        #expect(try life.give("a", in: "over") == "O0")
        #expect(try life.give("d", key: "k", in: "over") == .refused(.codeAway))
        try life.changed { $0.setCampaign(name: "over", rule: nil, returns: nil, edits: [.overflow([])], done: $1) }
        #expect(try life.decide("b", in: "over").refusal == .codeAway)
        guard case .told(let preview) = try life.preview("b", in: "over") else {
            Issue.record("a preview waits")
            return
        }
        #expect(preview.verdict == .refused(.codeAway))
        #expect(try life.give("b", key: "new", in: "over") == .refused(.codeAway))
        life = try world.restart()
        #expect(world.recovered?.notices.isEmpty == true, "a record is missing in the log")
        #expect(try life.give("b", key: "new", in: "over") == .refused(.codeAway))
        try life.bringBack()
        #expect(try life.give("b", key: "new", in: "over").code == "K0")
        #expect(try life.give("b", in: "over") == "K0" && life.give("d", key: "k", in: "over") == keyed.replay)
    }
}

extension Life {
    /// The lines of an export behind its head, sorted.
    fileprivate func exported(_ selection: ExportQuery.Selection, upload: UploadID? = nil) throws -> [String] {
        let query = ExportQuery(
            list: try list().id, selection: selection, campaign: nil, upload: upload, after: nil, until: nil,
            since: nil, columns: ExportColumn.allCases, format: .csv)
        let id = try control.exports.begin(query).get().id
        var bytes: [UInt8] = []
        while true {
            let reply = Reply<Result<[UInt8], ControlError>>()
            control.exports.read(id, reply)
            settle()
            let piece = try #require(reply.value).get()
            if piece.isEmpty { break }
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").dropFirst().map(String.init).sorted()
    }
}
