import TearoffCore
import TearoffEngine
import TearoffSimulation
import Testing

@Suite("An export is a list at one instant, whole, however it is read")
struct ExportTests {
    private static func query(
        _ life: Life, _ list: String = "l", selection: ExportQuery.Selection = .given, campaign: String? = nil,
        upload: UInt32? = nil, after: UInt64? = nil, until: UInt64? = nil, since: ExportCursor? = nil,
        columns: [ExportColumn] = [.code, .user, .status], format: ExportFormat = .csv
    ) throws -> ExportQuery {
        let catalog = life.engine.latestCatalog
        return ExportQuery(
            list: try #require(catalog.list(named: list)).id, selection: selection,
            campaign: try campaign.map { try #require(catalog.campaign(named: $0)).id },
            upload: upload.map(UploadID.init(rawValue:)),
            after: after.map(Timestamp.init(milliseconds:)), until: until.map(Timestamp.init(milliseconds:)),
            since: since, columns: columns, format: format)
    }

    /// The lines behind the head, sorted: shards have no order.
    private static func rows(_ life: Life, _ id: UInt64) throws -> [String] {
        try Array(text(life, id).split(separator: "\r\n").dropFirst()).map(String.init).sorted()
    }

    private static func text(_ life: Life, _ id: UInt64) throws -> String {
        var bytes: [UInt8] = []
        while true {
            let reply = Reply<Result<[UInt8], ControlError>>()
            life.control.exports.read(id, reply)
            life.pump()
            let piece = try #require(reply.value).get()
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }

    private static func export(_ life: Life, _ query: ExportQuery) throws -> [String] {
        try rows(life, life.control.exports.begin(query).get().id)
    }

    /// Goal: each selection has the codes of its states, and no other. Method: one code of each state; every
    /// selection, and each filter.
    @Test func everySelectionHasItsCodes() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 7, returns: .quarantine)
        try life.createCampaign("d", returns: .reuse)
        try life.give("given")
        try life.hold("held")
        try life.hold("burned")
        try life.end(.released, "burned")
        try life.hold("back", in: "d")
        try life.end(.released, "back", in: "d")
        world.clock.milliseconds += hour
        try life.give("later", in: "d")
        let given = ["K0,given,given", "K3,later,given"]
        #expect(try Self.export(life, Self.query(life)) == given)
        let free = ["K4,,free", "K5,,free", "K6,,free"]
        #expect(try Self.export(life, Self.query(life, selection: .free)) == free)
        let rest = ["K1,held,held", "K2,burned,burned"]
        #expect(try Self.export(life, Self.query(life, selection: .all)) == (given + free + rest).sorted())
        #expect(try Self.export(life, Self.query(life, selection: .all, campaign: "d")) == ["K3,later,given"])
        let middle = World.firstMilliseconds + hour - 1
        #expect(try Self.export(life, Self.query(life, after: middle)) == ["K3,later,given"])
        #expect(try Self.export(life, Self.query(life, until: middle)) == ["K0,given,given"])
        #expect(try Self.export(life, Self.query(life, after: middle + 1)) == [])
    }

    /// Goal: withdrawn codes are in exports of all only, and an upload's export has nothing of others. Method: two
    /// uploads, each partly given; every selection of each.
    @Test func anUploadCanBeExportedAlone() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 3)
        try life.give("a")
        try life.undone(0)
        try life.upload(["L0", "L1"])
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        try life.give("b")
        #expect(try Self.export(life, Self.query(life, selection: .free)) == ["L1,,free"])
        let old = ["K0,a,given", "K1,,withdrawn", "K2,,withdrawn"]
        #expect(
            try Self.export(life, Self.query(life, selection: .all)) == old + ["L0,b,given", "L1,,free"])
        #expect(try Self.export(life, Self.query(life, upload: 0)) == ["K0,a,given"])
        #expect(try Self.export(life, Self.query(life, selection: .free, upload: 0)) == [])
        #expect(try Self.export(life, Self.query(life, selection: .all, upload: 0)) == old)
        #expect(try Self.export(life, Self.query(life, selection: .all, upload: 1)) == ["L0,b,given", "L1,,free"])
    }

    /// Goal: what happens while an export is read is not in it. Method: allocations, an end of a hold and an upload
    /// between its beginning and its first piece.
    @Test func anExportShowsOneInstant() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 4, returns: .reuse)
        try life.give("a")
        try life.hold("b")
        let ticket = try life.control.exports.begin(Self.query(life, selection: .all)).get()
        try life.give("c")
        try life.end(.confirmed, "b")
        try life.upload(["L0"])
        #expect(try Self.rows(life, ticket.id) == ["K0,a,given", "K1,b,held", "K2,,free", "K3,,free"])
        #expect(
            try Self.export(life, Self.query(life, selection: .all))
                == ["K0,a,given", "K1,b,given", "K2,c,given", "K3,,free", "L0,,free"])
    }

    /// Goal: a code that was burned by a restore is no free one, and is told as what it is. Method: three of five burned.
    @Test func burnedCodesAreNotFree() throws {
        let life = try World().start()
        try life.supply(codes: 5)
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let again = try World.restored(from: place, burning: .next(3)).world.start()
        #expect(try Self.export(again, Self.query(again, selection: .free)).count == 2)
        let all = try Self.export(again, Self.query(again, selection: .all, columns: [.code, .status]))
        #expect(all.filter { $0.contains("burned") }.count == 3)
        #expect(all.filter { $0.contains("free") }.count == 2)
    }

    /// Goal: exports each since the one before have every allocation once, across crashes and snapshots. Method:
    /// some users, an export, a crash, and so on; the sum against one export of all.
    @Test func exportsSinceAnEarlierOneHaveEachAllocationOnce() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 100)
        var cursor: ExportCursor?
        var rows: [String] = []
        for round in 0..<5 {
            for number in 0..<7 { try life.give("u\(round)-\(number)", loop: number % 2) }
            if round == 2 { try life.snapshot() }
            let ticket = try life.control.exports.begin(Self.query(life, since: cursor)).get()
            rows += try Self.rows(life, ticket.id)
            cursor = ExportCursor(ticket.cursor.text, shardCount: 4)
            #expect(cursor == ticket.cursor)
            life = try world.restart(loops: 2)
        }
        #expect(rows.count == 35)
        #expect(try rows.sorted() == Self.export(life, Self.query(life)))
        #expect(try Self.export(life, Self.query(life, since: cursor)) == [])
        for text in ["", "1", "1.2.3", "1.2.3.4.5", "g.1.1.1", "1..1.1", "100000000.0.0.0"] {
            #expect(ExportCursor(text, shardCount: 4) == nil)
        }
    }

    /// Goal: a cursor of another directory, or from a state that was lost, is no reason to stop. Method: one beyond
    /// all rows.
    @Test func aCursorBeyondTheEndHasNothing() throws {
        let life = try World().start()
        try life.supply(codes: 3)
        try life.give("a")
        let cursor = try #require(ExportCursor("ffffffff.ffffffff.ffffffff.ffffffff", shardCount: 4))
        #expect(try Self.export(life, Self.query(life, since: cursor)) == [])
    }

    /// Goal: a list whose codes are away is refused, not read. Method: it is asked for as a loop does that has not heard yet
    /// that it was deleted.
    @Test func aListThatIsDeletedMeanwhileIsRefused() throws {
        let life = try World().start()
        try life.supply(codes: 3)
        let query = try Self.query(life, selection: .free)
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        try life.delete()
        guard case .failure(.catalog(.noList)) = life.control.exports.begin(query) else {
            throw Broken("a list that is deleted is exported")
        }
    }

    /// Goal: a list of more than one piece comes whole, in pieces cut between rows. Method: long users, every piece
    /// looked at.
    @Test func piecesAreCutBetweenRows() throws {
        let life = try World().start()
        try life.createList()
        try life.upload((0..<9_000).map { "K\($0)-\(String(repeating: "x", count: 120))" })
        try life.createCampaign()
        let id = try life.control.exports.begin(Self.query(life, selection: .free, columns: [.code])).get().id
        var pieces: [[UInt8]] = []
        while true {
            let reply = Reply<Result<[UInt8], ControlError>>()
            life.control.exports.read(id, reply)
            life.pump()
            pieces.append(try #require(reply.value).get())
            if pieces.last == [] { break }
        }
        #expect(pieces.count == 6, "four and a bit of 256 KiB, and the end")
        for piece in pieces.dropLast() {
            #expect(piece.suffix(2) == [0x0D, 0x0A] && piece.count < (256 << 10) + 200)
        }
        let lines = String(decoding: pieces.joined(), as: UTF8.self).split(separator: "\r\n")
        #expect(lines.count == 9_001 && Set(lines).count == 9_001)
        let reply = Reply<Result<[UInt8], ControlError>>()
        life.control.exports.read(id, reply)
        life.pump()
        guard case .failure(.export(.noExport)) = try #require(reply.value) else {
            throw Broken("an export that was read to its end goes on")
        }
    }

    /// Goal: whoever waits for the processor gets it before a piece is made. Method: 3,000 codes, of which 1,000 are given,
    /// as those that are, as those that are free, and of an archived list.
    @Test func whileItIsMadeAPieceGivesWay() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 3_000, expiresAt: World.firstMilliseconds + hour)
        for number in 0..<1_000 {
            try life.give("u\(number)")
            if number % 100 == 0 { life.pump() }
        }
        func givenWay(_ selection: ExportQuery.Selection) throws -> Int {
            let before = life.mail.giveWayCount
            _ = try Self.export(life, Self.query(life, selection: selection))
            return life.mail.giveWayCount - before
        }
        #expect(try givenWay(.given) >= 1_000 / 256)
        #expect(try givenWay(.free) >= 3_000 / 256)
        world.clock.milliseconds += hour + 1
        life.fireExpiry()
        life.settle()
        try life.archive()
        #expect(try givenWay(.all) >= 3_000 / 256)
    }

    /// Goal: an export takes turns with allocations, and with nothing else. Method: a piece with no commit before it,
    /// two behind commits, of which the second is too soon by the first one's rows, and one when there were none for long.
    @Test func besideCommitsPiecesAreKeptBack() throws {
        let world = World()
        let life = try world.start()
        try life.createList()
        try life.upload((0..<20_000).map { "K\($0)-\(String(repeating: "x", count: 120))" })
        try life.createCampaign()
        let id = try life.control.exports.begin(Self.query(life, selection: .free, columns: [.code])).get().id
        func read() -> Reply<Result<[UInt8], ControlError>> {
            let reply = Reply<Result<[UInt8], ControlError>>()
            life.control.exports.read(id, reply)
            life.pump()
            return reply
        }
        #expect(read().value != nil)
        try life.give("a")
        #expect(read().value != nil)
        try life.give("b")
        let early = read()
        #expect(early.value == nil, "the rows of a piece take 2 ms")
        life.pass(2)
        #expect(early.value != nil)
        life.pass(ExportPace.idleMilliseconds)
        #expect(read().value != nil)
        #expect(read().value != nil)
    }

    /// Goal: an export comes to its rate also when the machine is too busy for some of its pieces. Method: a hundred
    /// pieces of 10 ms beside commits, of which one is half a second late.
    @Test func whatIsLateIsMadeUpFor() {
        var pace = ExportPace()
        var now: UInt64 = 1_000_000
        for piece in UInt64(0)..<100 {
            now += pace.wait(rows: 10_200, frames: piece, now: now)
            if piece == 40 { now += 500 }
        }
        #expect((970...1_000).contains(now - 1_000_000))
    }

    /// Goal: no clock that is set holds an export up. Method: one that goes back by an hour between two pieces.
    @Test func aClockThatGoesBackHoldsNoExportUp() throws {
        var pace = ExportPace()
        #expect(pace.wait(rows: 1_000_000, frames: 1, now: 3_600_000) == 0)
        #expect(pace.wait(rows: 1_000_000, frames: 2, now: 3_600_000) == 0)
        #expect(pace.wait(rows: 1, frames: 3, now: 1) == ExportPace.waitMillisecondsMax)
    }

    /// Goal: any user can be written, and read back from CSV and JSON as it is meant. Method: every byte that either
    /// gives a meaning.
    @Test func everyByteIsWrittenSafely() throws {
        let life = try World().start()
        try life.supply(codes: 20)
        let users = ["=1+1", "+1", "-1", "@x", "a,b", "a\"b", "line\nbreak", "\tx", "back\\slash", "ümlaut", "\u{1}"]
        for user in users { try life.give(user) }
        let csv = try Self.text(
            life, life.control.exports.begin(Self.query(life, columns: [.user, .userID])).get().id)
        for cell in [
            "\"'=1+1\"", "\"'+1\"", "\"'-1\"", "\"'@x\"", "\"a,b\"", "\"a\"\"b\"", "\"line\nbreak\"", "\"'\tx\"",
            "back\\slash", "ümlaut", "\u{1}",
        ] { #expect(csv.contains("\(cell),\r\n"), "\(cell)") }
        #expect(csv.hasPrefix("external id,user id\r\n"))
        let json = try Self.text(
            life,
            life.control.exports.begin(Self.query(life, columns: [.user, .userID], format: .jsonLines)).get().id)
        for cell in [
            #""=1+1""#, #""a,b""#, #""a\"b""#, #""line\u000abreak""#, #""\u0009x""#, #""back\\slash""#, #""ümlaut""#,
            #""\u0001""#,
        ] { #expect(json.contains("{\"external-id\":\(cell),\"user-id\":null}\n"), "\(cell)") }
        #expect(json.split(separator: "\n").count == users.count)
    }

    /// Goal: no more exports than the bound are kept, and ended ones make room. Method: one more than there may be.
    @Test func exportsUnderWayAreBounded() throws {
        let life = try World().start()
        try life.supply(codes: 1)
        let query = try Self.query(life)
        let ids = try (0..<ExportDesk.exportsMaximum).map { _ in
            try life.control.exports.begin(query).get().id
        }
        guard case .failure(.export(.tooManyExports)) = life.control.exports.begin(query) else {
            throw Broken("one export too many was begun")
        }
        life.control.exports.end([ids[3]])
        _ = try life.control.exports.begin(query).get()
    }

    /// Goal: a list with one fixed code has those who got it, and no row for each time that it could be given.
    @Test func aFixedListHasItsUsersOnly() throws {
        let life = try World().start()
        try life.changed {
            $0.createList(
                name: "f", kind: .fixed(code: Array("SAVE".utf8), limit: 1_000_000), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try life.createCampaign(list: "f")
        try life.give("a")
        #expect(try Self.export(life, Self.query(life, "f", selection: .all)) == ["SAVE,a,given"])
        #expect(try Self.export(life, Self.query(life, "f", selection: .free)) == [])
    }
}

extension ExportDesk {
    /// Asks for a piece; the reply has it at once or later.
    func read(_ id: UInt64, _ reply: Reply<Result<[UInt8], ControlError>>) {
        if let piece = read(id, done: { reply.set($0) }) { reply.set(piece) }
    }
}
