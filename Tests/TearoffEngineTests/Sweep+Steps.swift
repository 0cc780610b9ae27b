import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation

/// Every kind of operation, each so that it can be asked for again when it was refused.
extension Sweep {
    static let steps: [Step] =
        listSteps + allocationSteps + holdSteps + editSteps + uploadSteps + snapshotSteps + readingSteps + archiveSteps

    private static let listSteps: [Step] = [
        change("list create") {
            $0.createList(name: "l", kind: .unique, expiresAt: nil, warnAt: 3, done: $1)
        },
        change("list create, one that expires") {
            let end = Timestamp(milliseconds: World.firstMilliseconds + hour)
            $0.createList(name: "m", kind: .unique, expiresAt: end, warnAt: nil, done: $1)
        },
        change("list create, fixed") {
            let kind = TearoffCore.List.Kind.fixed(code: Array("F0".utf8), limit: 9)
            $0.createList(name: "f", kind: kind, expiresAt: nil, warnAt: nil, done: $1)
        },
        Step(name: "recipient add") { sweep in
            guard let recipient = Recipient.email("ops@example.org") else { throw Broken("no address") }
            return try sweep.answer(sweep.life.change { $0.add(recipient: recipient, to: "l", done: $1) })
        },
        load("list load", (0..<14).map { "K\($0)" }),
        load("list load, another list", ["M0", "M1", "M2"], to: "m"),
        campaign("c", list: "l", rule: .once),
        campaign("d", list: "l", returns: .reuse),
        campaign("e", list: "m"),
        campaign("fixed", list: "f", rule: .always),
    ]

    private static let allocationSteps: [Step] = [
        give("alloc", "u1", loop: 0),
        give("alloc, other loop", "u2", loop: 1),
        give("alloc, repeat", "u1", loop: 1),
        give("alloc, fixed", "u1", in: "fixed", loop: 0),
        give("alloc, list that expires", "u1", in: "e", loop: 1),
        Step(name: "alloc, key") { try $0.giveUnderKey("u3") },
        Step(name: "alloc, key again") { try $0.giveUnderKey("u3") },
        Step(name: "allocmany") { try $0.giveMany(["u1", "u4", "u5"]) },
    ]

    private static let holdSteps: [Step] = [
        Step(name: "hold, to be confirmed") { try $0.hold("h1") },
        Step(name: "hold, to be released") { try $0.hold("h2") },
        Step(name: "hold, to lapse") { try $0.hold("h3") },
        Step(name: "confirm") { try $0.end(.confirmed, "h1") },
        Step(name: "release") { try $0.end(.released, "h2") },
        Step(name: "deadline") { try $0.lapse("h3") },
        give("alloc, code that went back", "u6", in: "d", loop: 1),
    ]

    private static let editSteps: [Step] = [
        change("list set") { $0.setList("l", edits: [.codesPerUser(9)], done: $1) },
        change("list set warning") { $0.setWarning(list: "l", .percent(10), done: $1) },
        change("list set name") { $0.renameList("m", to: "old", done: $1) },
        change("campaign set") {
            $0.setCampaign(name: "c", rule: nil, returns: nil, edits: [.quota(100)], done: $1)
        },
        change("campaign finish") { $0.finishCampaign(name: "c", done: $1) },
        change("campaign resume") { $0.resumeCampaign(name: "c", done: $1) },
        change("list set code") { $0.setFixed(list: "f", code: Array("F1".utf8), limit: 7, done: $1) },
    ]

    private static let uploadSteps: [Step] = [
        load("list load, to be undone", ["L0", "L1"]),
        Step(name: "list undo") { sweep in
            let reply = sweep.life.undo(4, of: "l")
            return try sweep.answer(reply)
        },
        Step(name: "list import") { sweep in
            let now = World.firstMilliseconds
            let lines = [
                ImportLine(code: "I0", user: "i1", givenAt: now), ImportLine(code: "I1", user: "i2", givenAt: 1),
            ]
            guard let id = try? sweep.life.beginImport(lines.map(\.text).joined()) else { return .failed("begin") }
            return try sweep.commit(id, told: ["c/i1": "I0", "c/i2": "I1"])
        },
        load("list load, replacing", (0..<14).map { "R\($0)" }, replaces: true),
        give("alloc, replaced list", "u7", loop: 0),
    ]

    /// The third snapshot is the one that also removes what the first kept.
    private static let snapshotSteps: [Step] =
        snapshot(1) + snapshot(2) + snapshot(3) + [
            Step(name: "backup") { sweep in
                let reply = Reply<Result<BackupReceipt, ControlError>>()
                let place: any BlobStore = sweep.place
                sweep.life.control.asked(by: Life.origin).backup("monday", to: { place }, version: "0") {
                    reply.set($0)
                }
                return try sweep.answer(reply)
            },
            Step(name: "restore", changes: false) { try $0.restore() },
        ]

    private static func snapshot(_ number: Int) -> [Step] {
        let write = Step(name: "snapshot \(number)") { sweep in
            let reply = Reply<Result<SnapshotReceipt, ControlError>>()
            sweep.life.control.asked(by: Life.origin).snapshot { reply.set($0) }
            return try sweep.answer(reply)
        }
        return [write, give("alloc behind snapshot \(number)", "s\(number)", loop: number % 2)]
    }

    private static let readingSteps: [Step] = [
        Step(name: "feed", changes: false) { sweep in
            sweep.life.tellAll()
            guard let page = try sweep.life.askForFeed().value else { throw Broken("the feed is not answered") }
            guard case .success(let page) = page else { return .failed("feed") }
            return page.events.isEmpty ? .failed("the feed is empty") : .done
        },
        Step(name: "export", changes: false) { try $0.export() },
        Step(name: "audit", changes: false) { sweep in
            let reply = Reply<Result<AuditVerdict, ControlError>>()
            sweep.life.control.audit.check { reply.set($0) }
            return try sweep.answer(reply)
        },
        Step(name: "recipient test") { sweep in
            let reply = Reply<Result<[DeliveryTest], ControlError>>()
            guard let list = try? sweep.life.list() else { return .failed("no list") }
            sweep.life.control.asked(by: Life.origin).testRecipients(
                of: list, at: try sweep.life.deliveries
            ) { reply.set($0) }
            return try sweep.answer(reply)
        },
    ]

    private static let archiveSteps: [Step] = [
        Step(name: "expiry", changes: false) { sweep in
            sweep.life.pass(2 * hour)
            sweep.life.fireExpiry()
            sweep.life.settle()
            return .done
        },
        Step(name: "list archive") { try $0.answer($0.life.askToArchive("old")) },
        Step(name: "look-up of an archived code", changes: false) { sweep in
            let reply = Reply<Result<[CodeID], ControlError>>()
            let uploads = sweep.life.loops[0].archivedUploads
            sweep.life.control.archive.find(Array("M0".utf8), in: uploads) { reply.set($0) }
            return try sweep.answer(reply)
        },
        Step(name: "list return") { try $0.answer($0.life.askToBringBack("old")) },
        Step(name: "list archive again") { try $0.answer($0.life.askToArchive("old")) },
        Step(name: "list delete") { sweep in
            // What was told of it is nobody's any more.
            sweep.course.told["e/u1"] = nil
            return try sweep.answer(sweep.life.askToDelete("old"))
        },
        change("recipient remove") { $0.remove(recipient: "ops@example.org", of: "l", done: $1) },
        give("alloc at the end", "u8", loop: 1),
    ]
}

// MARK: - Kinds of steps

extension Sweep {
    private static func change(
        _ name: String, _ ask: @escaping @Sendable (Operator, @escaping ControlPlane.Done) -> Void
    ) -> Step {
        Step(name: name) { sweep in
            let reply = sweep.life.change(ask)
            return try sweep.answer(reply)
        }
    }

    private static func campaign(
        _ name: String, list: String, rule: RetriggerRule = .standard, returns: ReturnRule = .standard
    ) -> Step {
        change("campaign create \(name)") {
            $0.createCampaign(name: name, list: list, rule: rule, returns: returns, done: $1)
        }
    }

    private static func load(
        _ name: String, _ codes: [String], to list: String = "l", replaces: Bool = false
    ) -> Step {
        Step(name: name) { sweep in
            let content = codes.map { $0 + "\n" }.joined()
            guard let id = try? sweep.life.beginUpload(content, to: list) else { return .failed("begin") }
            return try sweep.commit(id, to: list, replaces: replaces)
        }
    }

    private static func give(_ name: String, _ user: String, in campaign: String = "c", loop: Int) -> Step {
        Step(name: name) { sweep in
            guard case .given(let allocation)? = try? sweep.life.decide(user, in: campaign, loop: loop) else {
                return .failed("decided otherwise")
            }
            return sweep.told(allocation, to: user, in: campaign, loop: loop)
        }
    }
}

extension Sweep {
    /// What somebody was told; once, or, when the log has failed, perhaps not at all.
    func answer<Value>(_ reply: Reply<Result<Value, ControlError>>) throws -> Answer {
        life.settle()
        life.tellAll()
        if reply.count > 1 { throw Broken("answered \(reply.count) times") }
        switch reply.value {
        case nil:
            if life.engine.failure == nil { throw Broken("never answered") }
            return .failed("the connection ends")
        case .success?: return .done
        case .failure(let error)?: return .failed("\(error)")
        }
    }

    /// Ends the tick; what has become durable by that was told.
    mutating func told(_ allocation: Allocation, to user: String, in campaign: String, loop: Int) -> Answer {
        _ = try? life.loops[loop].commit()
        life.settle()
        guard life.isAcknowledged(allocation, loop: loop) else { return .failed("not durable") }
        if campaign != "fixed" { course.told[campaign + "/" + user] = life.text(allocation.code, loop: loop) }
        return .done
    }

    mutating func giveUnderKey(_ user: String) throws -> Answer {
        guard let outcome = try? life.decide(user, key: "key-" + user) else { return .failed("no campaign") }
        guard let allocation = outcome.given ?? outcome.replay else { return .failed("decided otherwise") }
        return told(allocation, to: user, in: "c", loop: 0)
    }

    mutating func giveMany(_ users: [String]) throws -> Answer {
        guard let many = try? life.allocateMany(users) else { return .failed("no campaign") }
        _ = try? life.loops[0].commit()
        life.settle()
        for (user, outcome) in zip(users, many.outcomes) {
            guard let given = outcome.given, life.isAcknowledged(given, loop: 0) else { return .failed("not durable") }
            course.told["c/" + user] = life.text(given.code)
        }
        return .done
    }

    mutating func hold(_ user: String) throws -> Answer {
        guard case .given(let allocation)? = try? life.decideHold(user, for: 1_000, in: "d") else {
            return .failed("decided otherwise")
        }
        return told(allocation, to: user, in: "d", loop: 0)
    }

    mutating func end(_ reason: HoldEnd.Reason, _ user: String) throws -> Answer {
        guard case .ended(let frame)? = try? life.decideEnd(reason, user, in: "d") else {
            return .failed("decided otherwise")
        }
        // Asked for, a code may have gone back, whatever is told.
        if reason == .released { course.told["d/" + user] = nil }
        _ = try? life.loops[0].commit()
        life.settle()
        return life.loops[0].durableFrame >= frame ? .done : .failed("not durable")
    }

    /// Lets the deadline pass, as a timer of the loop sees it.
    mutating func lapse(_ user: String) throws -> Answer {
        course.told["d/" + user] = nil
        life.pass(2_000)
        try? life.endOverdueHolds()
        life.settle()
        return life.engine.failure == nil ? .done : .failed("the log has failed")
    }

    mutating func commit(
        _ id: UInt64, to list: String = "l", replaces: Bool = false, told: [String: String] = [:]
    ) throws -> Answer {
        life.settle()
        let answer = try answer(life.commitUpload(id, to: list, replaces: replaces))
        if answer == .done { course.told.merge(told) { $1 } }
        return answer
    }

    /// A backup gives a directory in which nothing that was told is free, or none.
    func restore() throws -> Answer {
        guard let restored = try? World.restored(from: place, burning: .nothing) else { return .failed("no backup") }
        let life = try restored.world.start()
        let owners = try Self.owners(in: life)
        for (key, code) in course.told where owners[code] != key { throw Broken("\(key) is not in the backup") }
        return .done
    }

    func export() throws -> Answer {
        guard let list = try? life.list().id else { return .failed("no list") }
        let query = ExportQuery(
            list: list, selection: .all, campaign: nil, upload: nil, after: nil, until: nil, since: nil,
            columns: [.code, .user, .status], format: .csv)
        guard case .success(let ticket) = life.control.exports.begin(query) else { return .failed("export") }
        var text: [UInt8] = []
        while true {
            let reply = Reply<Result<[UInt8], ControlError>>()
            life.control.exports.read(ticket.id, reply)
            let answer = try answer(reply)
            guard case .success(let piece)? = reply.value else { return answer }
            if piece.isEmpty { break }
            text += piece
        }
        let lines = String(decoding: text, as: UTF8.self)
        for (key, code) in course.told where key.hasPrefix("c/") {
            guard lines.contains("\(code),\(key.dropFirst(2)),given") else {
                throw Broken("\(key) is not in the export")
            }
        }
        return .done
    }
}
