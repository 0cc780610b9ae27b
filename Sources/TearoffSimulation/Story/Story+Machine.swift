import TearoffCore
import TearoffEngine
import TearoffLog

/// What is under way goes on, and what fails.
extension Story {
    func step() {
        life.fireExpiry()
        life.step()
    }

    mutating func goOn(_ kind: StepKind) -> String {
        switch kind {
        case .commit: commit(rollLoop())
        case .run: for _ in 0..<(1 + roll(6)) { step() }
        case .completeLoop: life.complete(rollLoop())
        case .completeControl: life.completeControl()
        case .seal: seal(rollLoop())
        case .endOverdue: life.endOverdue(loop: rollLoop())
        case .jump: jump()
        case .passTime:
            world.clock.milliseconds += UInt64(roll(50))
            // Timers go by a clock that does not jump.
            for work in life.mail.takeAllTimers() { work() }
            for _ in 0..<roll(20) { step() }
        default: if roll(3) == 0 { life.settle() } else { life.pump() }
        }
        return ""
    }

    private mutating func jump() {
        switch roll(4) {
        case 0: world.clock.milliseconds -= UInt64(roll(40)) * hour
        case 1: world.clock.milliseconds += day - 1
        default: world.clock.milliseconds += UInt64(roll(20)) * hour
        }
    }

    /// What a server does with a lane that is idle.
    private func seal(_ loop: Int) {
        do { _ = try life.loops[loop].sealIfNeeded() } catch {}
        life.control.sealIfNeeded()
    }

    /// A call that is to fail, of any door.
    mutating func plan(_ kind: StepKind) -> String {
        counters.faults += 1
        let call = 1 + roll(60)
        let problem = roll(2) == 0 ? FaultPlan.inputOutputError : FaultPlan.noSpace
        switch kind {
        case .failLog: world.log.fail(call: call, with: problem)
        case .failBlobs: world.blobs.fail(call: 1 + call / 3, with: problem)
        case .failFeed: world.feed.fail(call: 1 + call / 6, with: problem)
        case .failDeliveries: world.post.fail(call: 1 + call / 30, with: problem)
        case .cutPower: world.power.fail(call: call)
        default: interruptions.append(call)
        }
        return "call \(call)"
    }

    /// Whether the life that is on is over: the power is off, or the process would exit.
    var hasDied: Bool { !world.power.isOn || life.engine.failure != nil }

    /// Lets all that is under way come to its end.
    mutating func comeToRest() throws {
        life.settle()
        // What waits for a timer, too: a snapshot for a feed that tries again, for one.
        for _ in 0..<4 {
            for work in life.mail.takeAllTimers() { work() }
            life.settle()
        }
        try collect()
        if !hasDied { try checkAnswers() }
    }

    mutating func shutDown() throws -> String {
        try comeToRest()
        for loop in life.loops {
            do throws(EngineFailure) { try loop.drain() } catch {}
        }
        life.control.drain()
        let isClean = !hasDied
        try collect()
        if isClean, !pending.isEmpty || !pendingBookings.isEmpty || !pendingKeys.isEmpty {
            throw Broken(.answer, "a clean shutdown left \(pending) and \(pendingBookings) without a reply")
        }
        try crash(.losing)
        return isClean ? "clean" : "failed"
    }
}

/// The end of a life, and the next one.
extension Story {
    /// The power fails, or the process dies. Nothing that was acknowledged is lost by it.
    mutating func crash(_ way: World.Crash) throws {
        try collect()
        try checkFailure()
        noteFeedFaults()
        inDoubt = (pending, pendingBookings)
        pending = []
        pendingBookings = []
        pendingKeys = []
        for asked in changes { doubt(asked.effect) }
        changes = []
        uploads = []
        snapshots = []
        questions = []
        waiting = []
        if let last = imports.last { latestImport = last }
        imports = []
        world.crash(way)
        if brokenDisk { _ = try world.harm(.loseSuffix, &dice) }
        try checkHarms()
        try recoverInterrupted()
        let first = Digest(try recovered())
        guard Digest(try recovered()) == first else { throw Broken(.recovery, "two recoveries differ") }
        trace.note("recovered \(first.checksum)")
        life = try begin()
        try check()
        if roll(4) > 0 { _ = bringBack() }
    }

    /// The engine stops for what the machine did to it, and for nothing else.
    private func checkFailure() throws {
        guard let failure = life.engine.failure else { return }
        guard case .log = failure, world.failureCount > failuresBefore else {
            throw Broken(.engine, "the engine failed: \(failure)")
        }
    }

    private func recovered() throws -> RecoveredState {
        do throws(RecoveryError) {
            return try world.recover()
        } catch {
            throw Broken(.refusal, "an undamaged directory is refused: \(error)")
        }
    }

    /// The power fails again in the midst of recoveries and starts.
    private mutating func recoverInterrupted() throws {
        for call in interruptions {
            world.power.fail(call: call)
            do {
                _ = try begin()
            } catch is Broken where world.power.isOn {
                throw Broken(.refusal, "a recovery was refused before the power failed")
            } catch {}
            world.crash(World.Crash.allCases[roll(3)])
        }
        interruptions = []
    }

    private mutating func begin() throws -> Life {
        let next: Life
        do {
            next = try script.setting.start(world, loops: 1 + roll(3), slow: roll(3) > 0)
        } catch {
            throw Broken(.refusal, "an undamaged directory does not start: \(error)")
        }
        next.choose = { [turns] in turns.choose($0) }
        failuresBefore = world.failureCount
        counters.lives += 1
        return next
    }
}

extension Script.Setting {
    func start(_ world: World, loops: Int, slow: Bool) throws -> Life {
        let feed = FeedSettings(
            bytesMaximum: 1 << 30, ageMillisecondsMaximum: 3_650 * day, tellsRepeats: tellsRepeats)
        return try world.start(
            loops: loops, slow: slow, snapshotLogBytes: snapshotLogBytes, feed: hasFeed ? feed : nil)
    }
}
