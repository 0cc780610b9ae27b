import TearoffCore
import TearoffEngine
import TearoffLog

/// What became durable, and so was acknowledged.
extension Story {
    /// Moves what is durable by now to the oracle's acknowledged side.
    mutating func collect() throws {
        for given in takeDurable(&pending, \.loop, \.frame) { try acknowledge(given) }
        try collectBookings()
        for use in takeDurable(&pendingKeys, \.loop, \.frame) where use.at >= keys[use.key]?.at ?? 0 {
            keys[use.key] = use
        }
        try collectImports()
        try collectReplies()
        if let twice = questions.first(where: { $0.answers() > 1 }) {
            throw Broken(.answer, "\(twice.what) was answered \(twice.answers()) times")
        }
    }

    /// Whatever is asked is to be answered once. - Returns: the same.
    mutating func expect<Value>(_ what: String, _ reply: Reply<Value>) -> Reply<Value> {
        questions.append((what, { reply.count }))
        return reply
    }

    /// When nothing is under way any more, nobody waits.
    func checkAnswers() throws {
        if let open = questions.first(where: { $0.answers() == 0 }) {
            throw Broken(.answer, "\(open.what) was never answered")
        }
        for client in waiting {
            guard life.loops[client.frame.lane].durableFrame >= client.frame.frame else {
                throw Broken(.answer, "\(client.user) waits for \(client.frame), which nobody writes")
            }
        }
    }

    mutating func acknowledge(_ given: Given) throws {
        try own(given.code, by: given.key)
        if given.at >= latest[given.key]?.at ?? 0 { latest[given.key] = given }
    }

    mutating func own(_ code: CodeID, by key: String) throws {
        if let owner = owners.updateValue(key, forKey: code), owner != key {
            throw Broken(.twoUsers, "\(code) is \(owner)'s and \(key)'s")
        }
    }

    func takeDurable<Told>(
        _ told: inout [Told], _ loop: KeyPath<Told, Int>, _ frame: KeyPath<Told, FrameNumber>
    ) -> [Told] {
        let isDurable = { (one: Told) in life.loops[one[keyPath: loop]].durableFrame >= one[keyPath: frame] }
        defer { told.removeAll(where: isDurable) }
        return told.filter(isDurable)
    }

    private mutating func collectReplies() throws {
        for asked in changes {
            switch asked.reply.value {
            case .success?: acknowledge(asked.effect)
            case .failure(.failed)?: doubt(asked.effect)
            // Refused, or under way.
            case .failure?, nil: break
            }
        }
        changes.removeAll { $0.reply.count > 0 }
        for reply in uploads { if case .success(let outcome)? = reply.value { note(outcome) } }
        uploads.removeAll { $0.count > 0 }
        for (reply, owners) in snapshots {
            guard case .success(let receipt)? = reply.value else { continue }
            ownersInSnapshot = owners
            try checkSnapshot(receipt.number)
        }
        snapshots.removeAll { $0.reply.count > 0 }
    }

    /// An import may bring rows alone, for codes of one before.
    mutating func note(_ outcome: UploadOutcome) {
        guard case .loaded(let upload?) = outcome.status, outcome.counts.codes > 0 else { return }
        if outcome.withdrawn != nil { withdrawn.formUnion(loaded.keys.filter { $0 < upload }) }
        loaded[upload] = outcome.counts.codes
    }

    /// Each row that was answered for is there, with its user and its time.
    private mutating func collectImports() throws {
        // Codes that are away are not found by their text.
        if try life.list().isArchived { return }
        for (reply, lines) in imports {
            guard let result = reply.value else { continue }
            guard case .success(let outcome) = result, let imported = outcome.imported else { continue }
            latestImport = (reply, lines)
            if outcome.status == .refused { continue }
            note(outcome)
            var found: UInt64 = 0
            var seen: Set<String> = []
            for line in lines where seen.insert(line.code).inserted {
                let places = life.find(line.code)
                for place in places.found {
                    guard let owner = place.owner, places.text(owner.user) == line.user,
                        owner.standing.givenAt.milliseconds == line.givenAt,
                        life.engine.latestCatalog[owner.campaign].name == line.campaign,
                        life.engine.latestCatalog[place.code.upload].isImport
                    else { continue }
                    found += 1
                    let given = Given(
                        user: line.user, campaign: line.campaign, code: place.code, text: line.code,
                        times: AllocationTimes(givenAt: owner.standing.givenAt, holdUntil: nil), loop: 0,
                        frame: .none)
                    // One that an import before has brought is no later than what came since.
                    if owners[given.code] != given.key { try acknowledge(given) }
                }
            }
            guard found >= imported.given + imported.already else {
                throw Broken(.lost, "\(found) of \(imported) rows of an import are there: \(lines)")
            }
        }
        imports.removeAll { $0.reply.count > 0 }
    }
}
