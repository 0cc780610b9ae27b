import TearoffCore
import TearoffEngine
import TearoffLog

/// What operators ask for.
extension Story {
    mutating func ask(_ reply: Reply<Change>, for effect: Effect? = nil) {
        changes.append(Asked(reply: expect("a change", reply), effect: effect))
    }

    mutating func change() -> String {
        let percent = roll(99)
        let campaign = campaigns[roll(campaigns.count)].name
        switch roll(6) {
        case 0:
            ask(
                life.change { $0.finishCampaign(name: campaign, done: $1) },
                for: .set(.end(of: campaign), "stopped"))
        case 1: resume(campaign)
        case 3:
            let name = "x\(roll(nextName + 1))"
            ask(life.askToDelete(name), for: .deleted(name))
            return "delete \(name)"
        case 4: changeRecipients()
        case 5:
            ask(
                life.change { $0.setWarning(list: "l", .percent(UInt32(1 + percent)), done: $1) },
                for: .set(.warning, "\(1 + percent)"))
        default:
            nextName += 1
            let name = "x\(nextName)"
            ask(
                life.change {
                    $0.createList(name: name, kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
                }, for: .created(name))
            return "create \(name)"
        }
        return campaign
    }

    /// What comes then ends it by itself at any time.
    private mutating func resume(_ campaign: String) {
        ask(life.change { $0.resumeCampaign(name: campaign, done: $1) }, for: .set(.end(of: campaign), nil))
    }

    private mutating func setExpiry(_ expiresAt: Timestamp?) {
        ask(
            life.change { $0.setExpiry(list: "l", expiresAt: expiresAt, done: $1) },
            for: .set(.expiry, "\(expiresAt?.milliseconds ?? 0)"))
    }

    /// Adds one of a few, or removes it; some are refused, since they are there, or are not.
    private mutating func changeRecipients() {
        let address = "r\(roll(4))@example.org"
        guard roll(2) == 0, let recipient = Recipient.email(address) else {
            return ask(life.change { $0.remove(recipient: address, of: "l", done: $1) })
        }
        ask(life.change { $0.add(recipient: recipient, to: "l", done: $1) })
    }

    /// The session's next call waits for the one before, as a connection does.
    private func finishSessionCall() {
        for _ in 0..<1_000 where life.mail.hasWork { life.step() }
    }

    mutating func upload() -> String {
        nextName += 1
        var content = (0..<(1 + roll(15))).map { "n\(nextName)-\($0)\n" }.joined()
        if !contents.isEmpty, roll(2) == 0 { content += contents[roll(contents.count)] }
        contents.append(content)
        guard let id = try? life.beginUpload(content) else { return "refused" }
        finishSessionCall()
        uploads.append(expect("an upload", life.commitUpload(id, skipBad: true, replaces: roll(3) == 0)))
        return "\(content.utf8.count) bytes"
    }

    /// Codes that another system gave: new ones, some that an import brought or an upload has, and a row of before
    /// again.
    mutating func takeOver() -> String {
        nextName += 1
        let now = life.engine.now().milliseconds
        var lines = (0..<(1 + roll(4))).map { number in
            ImportLine(
                code: "\(roll(4) == 0 ? "n" : "i")\(roll(nextName))-\(number)", user: "u\(roll(12))",
                campaign: campaigns[roll(campaigns.count)].name, givenAt: now - UInt64(roll(60)) * hour)
        }
        if let before = imports.last ?? latestImport { lines += before.lines }
        guard let id = try? life.beginImport(lines.map(\.text).joined()) else { return "refused" }
        finishSessionCall()
        imports.append((expect("an import", life.commitUpload(id, skipBad: true)), lines))
        return "\(lines.count) lines"
    }

    mutating func withdraw() -> String {
        let upload = UInt64(roll(max(1, contents.count)))
        guard roll(3) == 0 else { return "not" }
        ask(life.undo(upload), for: .withdrawn(UploadID(rawValue: UInt32(upload))))
        return "\(upload)"
    }

    /// Another code, and another limit of how often it is given; too low a one is refused.
    mutating func changeFixed() -> String {
        let (code, limit) = ("F\(roll(3))", UInt32(1 + roll(30)))
        ask(
            life.change { $0.setFixed(list: "fixed", code: Array(code.utf8), limit: limit, done: $1) },
            for: .set(.fixed, "\(code) \(limit)"))
        return "\(limit)"
    }

    /// Lets the list expire, and asks to archive it; it may be back before that is done, or codes of it be held.
    mutating func archive() -> String {
        if roll(2) == 0 {
            // All holds are over.
            world.clock.milliseconds += 21 * hour
            for loop in life.loops.indices { life.endOverdue(loop: loop) }
            life.settle()
        }
        let now = life.engine.now()
        setExpiry(now)
        for _ in 0..<roll(6) { life.step() }
        world.clock.milliseconds = max(world.clock.milliseconds, now.milliseconds + UInt64(1 + roll(3)))
        ask(life.askToArchive(), for: .set(.archived, "yes"))
        return ""
    }

    /// Brings the list back, if it was archived, and lets its campaigns go on.
    mutating func bringBack() -> String {
        ask(life.askToBringBack(), for: .set(.archived, "no"))
        for _ in 0..<roll(20) { step() }
        setExpiry(nil)
        for campaign in campaigns.map(\.name) + bookings { resume(campaign) }
        return ""
    }

    mutating func snapshot() -> String {
        snapshots.append((expect("a snapshot", life.askForSnapshot()), owners))
        return ""
    }
}
