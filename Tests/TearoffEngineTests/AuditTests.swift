import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Audit: every act is in the log with its change, in a chain that shows what was done to it")
struct AuditTests {
    /// One act, and the words that the trail must have of it.
    struct Row: Sendable, CustomStringConvertible {
        let acts: [Act]
        let perform: @Sendable (Life) throws -> Void
        var description: String { acts.map(\.command.rawValue).joined(separator: ", ") }

        init(_ acts: Act..., perform: @escaping @Sendable (Life) throws -> Void) {
            self.acts = acts
            self.perform = perform
        }
    }

    /// On list `l` of ten codes, which campaigns `c` and, stopped, `d` draw from.
    static let rows: [Row] = [
        Row(Act(.listCreate, object: "m", after: "kind=unique expires=1971-01-01T01:00:00.000Z warn=5")) {
            try $0.createList("m", expiresAt: World.firstMilliseconds + hour, warnAt: 5)
        },
        Row(
            Act(
                .listCreate, object: "f",
                after: "kind=fixed code=*** limit=7 expires=never warn=never upload=1")
        ) {
            try $0.changed {
                $0.createList(
                    name: "f", kind: .fixed(code: Array("S3CRET".utf8), limit: 7), expiresAt: nil,
                    warnAt: nil, done: $1)
            }
        },
        Row(
            Act(
                .listLoad, object: "l", before: "uploaded=10",
                after: "uploaded=12 upload=1 codes=2 file=\"codes.txt\"")
        ) { try $0.upload(["NEW0", "NEW1"]) },
        Row(
            Act(
                .listImport, object: "l", before: "uploaded=10",
                after: "uploaded=11 upload=1 codes=1 file=\"given.csv\"")
        ) { try $0.takeOver([ImportLine(code: "I0", user: "u", givenAt: 1)]) },
        Row(
            Act(
                .listLoad, object: "l", before: "uploaded=10",
                after: "uploaded=11 upload=1 codes=1 file=\"codes.txt\""),
            Act(.listUndo, object: "l", after: "withdrawn=1")
        ) {
            try $0.upload(["WRONG"])
            try $0.undone(1)
        },
        Row(Act(.listSet, object: "l", before: "other-lists=allow", after: "other-lists=refuse")) {
            try $0.changed { $0.setList("l", edits: [.refusesCodesOfOthers(true)], done: $1) }
        },
        Row(
            Act(.listCreate, object: "m", after: "kind=unique expires=never warn=never"),
            Act(
                .listDelete, object: "m",
                before: "uploaded=0 free=0 given=0 withdrawn=0 burned=0 campaigns=0")
        ) {
            try $0.createList("m")
            try $0.delete("m")
        },
        Row(Act(.listSet, object: "l", before: "per-user=none", after: "per-user=2")) {
            try $0.changed { $0.setList("l", edits: [.codesPerUser(2)], done: $1) }
        },
        Row(
            Act(
                .campaignSet, object: "c", before: "quota=none test=off", after: "quota=5 test=on")
        ) {
            try $0.changed {
                $0.setCampaign(
                    name: "c", rule: nil, returns: nil, edits: [.quota(5), .sample(Array("S3CRET".utf8))],
                    done: $1)
            }
        },
        Row(Act(.listSet, object: "l", before: "expires=never", after: "expires=1971-01-01T01:00:00.000Z")) {
            try $0.setExpiry(at: World.firstMilliseconds + hour)
        },
        Row(Act(.listSet, object: "l", before: "warn=never", after: "warn=3")) {
            try $0.changed { $0.setWarning(list: "l", warnAt: 3, done: $1) }
        },
        Row(
            Act(.listSet, object: "l", before: "warn-hours=none", after: "warn-hours=24"),
            Act(.listSet, object: "l", before: "warn-days=default", after: "warn-days=never")
        ) { life in
            try life.changed { $0.setWarning(list: "l", .hoursLeft(24), done: $1) }
            try life.changed { $0.setWarning(list: "l", .expiryDays([]), done: $1) }
        },
        Row(
            Act(.listRecipient, object: "l", after: "recipient=https://example.org/***"),
            Act(
                .listRecipient, object: "l", before: "recipient=https://example.org/***", after: "recipient=none")
        ) {
            try $0.addWebhook("https://example.org/hook?key=S3CRET")
            try $0.changed { $0.remove(recipient: "https://example.org/hook?key=S3CRET", of: "l", done: $1) }
        },
        Row(Act(.deliveryRetry, after: "delivery=all")) { life in
            life.control.asked(by: Life.origin).retryDelivery(nil, at: try life.deliveries) { _ in }
        },
        Row(Act(.listSet, object: "l", before: "name=l", after: "name=n")) {
            try $0.changed { $0.renameList("l", to: "n", done: $1) }
        },
        Row(Act(.campaignCreate, object: "e", after: "list=l retrigger=once returns=quarantine")) {
            try $0.createCampaign("e", rule: .once)
        },
        Row(Act(.campaignCreate, object: "e", after: "list=l retrigger=window 24h returns=reuse")) {
            try $0.createCampaign("e", returns: .reuse)
        },
        Row(
            Act(
                .campaignSet, object: "c", before: "retrigger=window 24h returns=quarantine",
                after: "retrigger=always returns=reuse")
        ) { try $0.changed { $0.setCampaign(name: "c", rule: .always, returns: .reuse, done: $1) } },
        Row(Act(.campaignFinish, object: "c", before: "state=active", after: "state=finished reason=stopped")) {
            try $0.changed { $0.finishCampaign(name: "c", done: $1) }
        },
        Row(Act(.campaignResume, object: "d", before: "state=finished reason=stopped", after: "state=active")) {
            try $0.changed { $0.resumeCampaign(name: "d", done: $1) }
        },
        Row(Act(.snapshot, before: "snapshot=0", after: "snapshot=1")) { life in
            life.control.asked(by: Life.origin).snapshot { _ in }
        },
        Row(Act(.backup, object: "monday", after: "snapshot=1")) { life in
            _ = life.askForBackup(to: SimulatedBlobStore())
        },
        Row(
            Act(
                .exportBegin, object: "l",
                after: "selection=all campaign=c until=1971-01-01T00:00:00.000Z columns=coupon-code,status")
        ) { life in
            let list = try #require(life.engine.latestCatalog.list(named: "l")).id
            let query = ExportQuery(
                list: list, selection: .all, campaign: CampaignID(rawValue: 0), after: nil,
                until: Timestamp(milliseconds: World.firstMilliseconds), since: nil,
                columns: [.code, .status], format: .csv)
            try life.changed { $0.noteExport(query, done: $1) }
        },
        Row(
            Act(.accountCreate, object: "ada", after: "roles=admin lists=* campaigns=*"),
            Act(.accountSet, object: "ada", before: "lists=*", after: "lists=june"),
            Act(.accountDelete, object: "ada", before: "roles=admin lists=june campaigns=*")
        ) { life in
            try life.changed { $0.create(account: AccountRecordTests.ada, hasPassword: false, done: $1) }
            try life.changed { $0.set(account: "ada", edits: [.lists(["june"])], hasPassword: false, done: $1) }
            try life.changed { $0.delete(account: "ada", hasPassword: false, done: $1) }
        },
        Row(Act(.shutdown)) { life in try life.changed { $0.noteShutdown(done: $1) } },
    ]

    /// Goal: each command leaves one record: who, from where, what, when, before and after. Method: one row for each
    /// command that the trail knows, and what came behind the rows before.
    @Test(arguments: rows.indices)
    func everyActLeavesItsRecord(index: Int) throws {
        let row = Self.rows[index]
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supply(codes: 10)
        try life.createCampaign("d")
        try life.changed { $0.finishCampaign(name: "d", done: $1) }
        let before = try life.trail()
        try row.perform(life)
        life.settle()
        let new = try life.trail().dropFirst(before.count).map(\.record)
        #expect(new.map(\.act) == row.acts)
        #expect(new.allSatisfy { $0.origin == Life.origin && $0.at.milliseconds == World.firstMilliseconds })
        #expect(new.map(\.number) == new.indices.map { UInt64(before.count + $0) + 1 })
    }

    @Test func everyCommandHasARow() {
        // A restore is done without a server: RestoreTests. An archive needs a list past its expiry: ArchiveTests.
        let served = Set(Act.Command.allCases).subtracting([.restore, .listArchive, .listReturn])
        #expect(Set(Self.rows.flatMap { $0.acts.map(\.command) }) == served)
    }

    /// Goal: what is refused, and what changes nothing, is no act. Method: a refusal, a file twice, a dry run, a
    /// snapshot that finds the desk taken, a snapshot that nobody asked for.
    @Test func whatChangesNothingIsNoAct() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 3)
        let before = try life.trail()
        _ = life.change { $0.finishCampaign(name: "nosuch", done: $1) }
        try life.upload((0..<3).map { "K\($0)" })
        let id = try life.beginUpload("NEW\n")
        life.settle()
        _ = life.commitUpload(id, dryRun: true)
        let automatic = life.askForSnapshot()
        let second = Reply<Result<SnapshotReceipt, ControlError>>()
        life.control.asked(by: Life.origin).snapshot { second.set($0) }
        life.settle()
        #expect(automatic.value?.error == nil && second.value?.error == .busy)
        #expect(try life.trail() == before)
    }

    /// Goal: what happens by itself is the system's, one act for each campaign. Method: an expiry of two campaigns, and
    /// a last code.
    @Test func theSystemsActsAreItsOwn() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 5, expiresAt: World.firstMilliseconds + hour)
        try life.createCampaign("d")
        try life.createList("short")
        try life.upload(["X"], to: "short")
        try life.createCampaign("s", list: "short")
        let before = try life.trail().count
        try life.give("u", in: "s")
        life.settle()
        world.clock.milliseconds += hour + 1
        #expect(life.fireExpiry())
        life.settle()
        let new = try life.trail().dropFirst(before).map(\.record)
        #expect(new.allSatisfy { $0.origin == .system && $0.act.command == .campaignFinish })
        #expect(new.map(\.act.object) == ["s", "c", "d"])
        #expect(
            new.map(\.act.after) == ["exhausted", "expired", "expired"].map { "state=finished reason=\($0)" })
        #expect(new.map(\.at.milliseconds).last == World.firstMilliseconds + hour + 1)
    }

    /// Goal: however many campaigns finish at once, their acts fit the log. Method: more than one change takes, with the
    /// longest names, in the smallest segments.
    @Test func manyFinishesFitTheirFrames() throws {
        let world = World(segmentBytes: LogLimits.segmentBytesFormatMin)
        let life = try world.start()
        try life.supply(codes: 1, expiresAt: World.firstMilliseconds + hour)
        let count = 2 * Limits.finishesPerChange
        let names = (0..<count).map {
            String("\($0)" + String(repeating: "n", count: Limits.nameBytes)).prefix(Limits.nameBytes)
        }
        for name in names {
            _ = life.change {
                $0.createCampaign(name: String(name), list: "l", rule: .once, returns: .standard, done: $1)
            }
        }
        life.settle()
        let before = try life.trail().count
        world.clock.milliseconds += hour + 1
        while life.fireExpiry() { life.settle() }
        let finished = try life.trail().dropFirst(before).map(\.record.act)
        #expect(finished.map(\.object) == ["c"] + names.map(String.init))
        #expect(finished.allSatisfy { $0.command == .campaignFinish })
        #expect(try world.restart().trail().count == before + count + 1)
    }

    /// Goal: neither the change nor its record is ever there alone. Method: a crash before the frame is durable and one
    /// behind it, at every write of the control lane.
    @Test(arguments: [false, true])
    func aCrashTakesBothOrNeither(isDurable: Bool) throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.createList()
        let before = try life.trail()
        let reply = life.change { $0.setWarning(list: "l", warnAt: 4, done: $1) }
        life.pump()
        #expect(try life.trail() == before, "nobody reads what is not durable")
        if isDurable { world.log.complete(.control) }
        world.crashLosingWrites()
        life = try world.start()
        #expect(reply.count == 0)
        #expect(life.engine.latestCatalog.lists[0].warnAt == (isDurable ? 4 : nil))
        #expect(try life.trail().count == before.count + (isDurable ? 1 : 0))
        try life.createList("next")
        #expect(try life.check().fault == nil)
        #expect(
            try life.trail().map(\.record.number) == Array(1...UInt64(before.count + (isDurable ? 2 : 1))))
    }

    /// Goal: the trail outlives the log that it was written to, whole and in bounded memory. Method: more acts than fill
    /// two chunks, snapshots until the log is gone, restarts on both ways, and pages of all sizes.
    @Test func theTrailOutlivesItsLog() throws {
        let world = World()
        var life = try world.start()
        try life.createList()
        try life.setWarnings(2_500)
        let whole = try life.trail()
        #expect(whole.count == 2_501)
        life = try world.restart()
        #expect(try life.trail() == whole, "from the log")
        try life.snapshot()
        #expect(world.recovered?.trail.chunks.isEmpty == true)
        #expect(try life.trail() == whole, "from chunks")
        try life.setWarnings(1)
        try life.snapshot()
        let first = SegmentID(lane: .control, number: .first)
        #expect(world.log.bytes(of: first) == nil, "its log is gone")
        life = try world.restart()
        let recovered = try #require(world.recovered).trail
        #expect(recovered.chunks.count == 2 && recovered.tail.count == 2_502 - 2_048)
        #expect(try Array(life.trail().dropLast()) == whole)
        for (from, count) in [
            (1, 1), (1_024, 2), (1_000, 50), (2_048, 1), (2_049, 1), (2_502, 9), (2_503, 9),
        ] {
            let page = try life.read(from: UInt64(from), count: count)
            let end = min(from + count, 2_503)
            #expect(page.map(\.record.number) == (from..<max(from, end)).map { UInt64($0) })
        }
        #expect(
            try life.read(from: nil, count: 100).map(\.record.number) == (2_403...2_502).map { UInt64($0) })
        #expect(try life.read(from: UInt64(Int64.max), count: 1_000).isEmpty)
        let verdict = try life.check()
        #expect(verdict.fault == nil && verdict.recordCount == 2_502)
        #expect(verdict.hash == (try life.read(from: nil, count: 1)).last?.hash)
    }

    /// Goal: memory stays bounded without an operator. Method: acts until the trail asks for a snapshot by itself.
    @Test func manyActsAskForASnapshot() throws {
        let world = World()
        let life = try world.start()
        try life.createList()
        try life.setWarnings(4_094)
        #expect(life.control.snapshots.latestNumber == 0)
        try life.setWarnings(1)
        #expect(life.control.snapshots.latestNumber == 1)
        #expect(life.control.audit.trail.tail.isEmpty, "it is in chunks, and not in memory")
        #expect(try life.trail().count == 4_096)
        let life2 = try world.restart()
        #expect(world.recovered?.trail.tail.isEmpty == true)
        #expect(try life2.trail().count == 4_096)
    }

    /// Goal: a record that was changed in the log, with every checksum right, is found at the start. Method: frames that
    /// hold a record with another number, another hash, and the right one.
    @Test(arguments: ["number", "previous", "none"])
    func aForeignRecordInTheLogIsRefused(fault: String) throws {
        let world = World()
        var life = try world.start()
        try life.createList()
        let last = try #require(try life.trail().last)
        let record = AuditRecord(
            number: last.record.number + (fault == "number" ? 2 : 1), at: last.record.at, origin: .system,
            act: Act(.snapshot), previous: fault == "previous" ? last.record.previous : last.hash)
        let writer = life.control.writer
        ControlEntry.audit(record).encode(into: &writer.batch.bytes)
        writer.batch.recordCount += 1
        _ = try writer.commit(timeMilliseconds: World.firstMilliseconds)
        world.crashLosingWrites()
        if fault == "none" {
            life = try world.start()
            #expect(try life.trail().count == 2)
        } else {
            let error = #expect(throws: RecoveryError.self) { try world.recover() }
            #expect(error?.kind == .contradictory && error?.file == "wal/control-0000000000000001.wal")
            #expect(error?.problem.contains("audit trail") == true && error?.frame != nil)
        }
    }

    /// Goal: a record changed in a chunk is found, also when the chunk's name and the manifest were made to match.
    /// Method: another warning in record 7; the snapshots that name the chunk are made to name its copy.
    @Test func aChangedRecordInAChunkIsFound() throws {
        let world = World()
        let life = try world.start()
        try life.createList()
        try life.setWarnings(1_100)
        for _ in 0..<2 { try life.snapshot() }
        let chunk = try #require(life.control.audit.trail.chunks.first)
        var records = try AuditChunk.read(chunk, from: world.blobs)
        let old = records[6]
        let act = Act(.listSet, object: "l", before: old.act.before, after: "warn=0")
        records[6] = AuditRecord(
            number: old.number, at: old.at, origin: old.origin, act: act, previous: old.previous)
        let writer = try world.blobs.makeWriter()
        try writer.append(PackedBlob.pack(AuditChunk.encode(records)).span)
        let forged = try writer.finish()
        for name in try world.blobs.listNamed() {
            let bytes = try world.blobs.readNamed(name)
            world.blobs.replaceNamed(name, with: Self.replacing(chunk.bytes, by: forged.bytes, in: bytes))
        }
        world.crashLosingWrites()
        let error = #expect(throws: RecoveryError.self) { try world.recover() }
        #expect(error?.problem.contains("the audit trail is broken at record 8") == true)
    }

    /// Goal: damage on disk below a running server is told by its place, and hurts nothing else. Method: a chunk's blob
    /// is replaced and taken away.
    @Test(arguments: [true, false])
    func aLostChunkIsTold(isMissing: Bool) throws {
        let world = World()
        let life = try world.start()
        try life.createList()
        try life.setWarnings(2_100)
        try life.snapshot()
        #expect(try life.check().fault == nil)
        let chunk = life.control.audit.trail.chunks[1]
        world.blobs.replace(chunk, with: isMissing ? nil : [1, 2, 3])
        let fault = try #require(try life.check().fault)
        #expect(fault.number == 1_025 && fault.problem.contains("blobs/\(chunk)"))
        #expect(throws: ControlError.self) { try life.read(from: 1_100, count: 1) }
        #expect(try life.read(from: 1, count: 1_000).count == 1_000)
        try life.createList("more")
        world.crashLosingWrites()
        // The log from the beginning stands in for the only snapshot.
        #expect(try world.recover().trail.end.number == 2_102)
    }

    /// Goal: a second walk at once is refused, and a walk ends. Method: two, then one.
    @Test func oneCheckAtATime() throws {
        let world = World()
        let life = try world.start()
        let first = Reply<Result<AuditVerdict, ControlError>>()
        life.control.audit.check { first.set($0) }
        #expect(throws: ControlError.busy) { _ = try life.check() }
        life.settle()
        let verdict = try #require(first.value).get()
        #expect(verdict.recordCount == 0 && verdict.hash == AuditLink.start.hash && verdict.fault == nil)
        #expect(try life.check().fault == nil)
    }

    /// Goal: no code is ever in the trail. Method: loaded codes, a fixed one, texts that are cut; all that it says.
    @Test func noCodeIsInTheTrail() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 20, prefix: "BEARER")
        for row in Self.rows.prefix(3) { try row.perform(life) }
        let text = try life.trail().map { "\($0.record)" }.joined()
        #expect(text.contains("code=***") && text.contains("upload="))
        for secret in ["S3CRET", "BEARER", "NEW0", "NEW1"] { #expect(!text.contains(secret)) }
        let long = Act(.listSet, before: String(repeating: "ü", count: 600))
        #expect(long.before.utf8.count <= Limits.auditTextBytes && long.before.hasSuffix("..."))
    }

    private static func replacing(_ old: [UInt8], by new: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var body = Array(bytes.dropLast(4))
        for start in 0...body.count - old.count where Array(body[start..<start + old.count]) == old {
            body.replaceSubrange(start..<start + old.count, with: new)
        }
        let checksum = CRC32C.checksum(body.span)
        return body + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
    }
}

extension Life {
    /// `count` acts, each with another value.
    fileprivate func setWarnings(_ count: Int) throws {
        var number = 0
        while number < count {
            let batch = min(500, count - number)
            let replies = (number..<number + batch).map { value in
                change { $0.setWarning(list: "l", warnAt: UInt64(value), done: $1) }
            }
            settle()
            for reply in replies { try #require(reply.value).get() }
            number += batch
        }
    }

    func read(from: UInt64?, count: Int) throws -> [AuditEntry] {
        let reply = Reply<Result<[AuditEntry], ControlError>>()
        control.audit.read(from: from, count: count) { reply.set($0) }
        pump()
        return try #require(reply.value).get()
    }

    /// All of it, page by page.
    func trail() throws -> [AuditEntry] {
        var all: [AuditEntry] = []
        while true {
            let page = try read(from: UInt64(all.count) + 1, count: 1_000)
            all += page
            if page.count < 1_000 { return all }
        }
    }

    fileprivate func check() throws -> AuditVerdict {
        let reply = Reply<Result<AuditVerdict, ControlError>>()
        control.audit.check { reply.set($0) }
        pump()
        return try #require(reply.value).get()
    }
}
