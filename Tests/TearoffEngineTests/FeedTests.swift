import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("The feed: each durable event once, under one number for ever, whatever fails")
struct FeedTests {
    /// Goal: everything that changes is told, in the order in which it happened. Method: one of each kind.
    @Test func everyKindOfChangeIsTold() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supply(codes: 4, returns: .reuse)
        try life.give("u1", userID: "m1")
        try life.hold("u2")
        try life.end(.confirmed, "u2")
        try life.hold("u3")
        try life.end(.released, "u3")
        life.tellAll()
        try life.hold("u4", for: 1_000)
        world.clock.milliseconds += 2_000
        try life.endOverdueHolds()
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        try life.changed { $0.renameList("l", to: "l2", done: $1) }
        try life.undone(0, of: "l2")
        life.tellAll()
        let words = try life.feedWords()
        #expect(
            words == [
                "listCreated", "uploadCommitted", "campaignCreated", "campaignReturnsSet", "given u1 K0",
                "held u2 K1",
                "confirmed u2 K1", "held u3 K2", "released free u3 K2", "held u4 K2", "expired free u4 K2",
                "campaignFinished", "campaignResumed", "listRenamed", "uploadWithdrawn", "campaignFinished",
                "empty",
            ], "\(words)")
        let given = try life.feed()[4]
        #expect(given.at == Timestamp(milliseconds: World.firstMilliseconds))
        guard case .allocation(let allocation, .given) = given.kind else {
            Issue.record("\(given)")
            return
        }
        #expect(allocation.userID == Array("m1".utf8))
    }

    /// Goal: what a user does is told in order, also when it came over two loops in one millisecond. Method: hold on the
    /// second loop, confirm on the first.
    @Test func eventsOfAUserStandInOrderOverLanes() throws {
        let world = World()
        let life = try world.start(loops: 2, feed: .ample)
        try life.supply(codes: 40)
        for number in 0..<10 {
            try life.hold("u\(number)", loop: 1)
            try life.end(.confirmed, "u\(number)", loop: 0)
        }
        life.tellAll()
        let words = try life.feedWords()
        for number in 0..<10 {
            let held = try #require(words.firstIndex(of: "held u\(number) K\(number)"))
            let confirmed = try #require(words.firstIndex(of: "confirmed u\(number) K\(number)"))
            #expect(held < confirmed)
        }
        #expect(try life.feedAllocations() == life.feedOracle())
    }

    /// Goal: a reader waits as long as he asked to, and one that was answered before leaves nothing behind. Method: a reader
    /// who would wait a minute, answered at once, again and again; how many timers there are; then two who are not
    /// answered, and a clock that is set back.
    @Test func whoIsAnsweredLeavesNoTimer() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supply(codes: 50)
        life.tellAll()
        let next = try life.feedPage().next
        for number in 0..<20 {
            let reply = try life.askForFeed(from: next + UInt64(number), wait: 60_000)
            #expect(reply.value == nil)
            try life.give("u\(number)")
            life.tellAll()
            #expect(try #require(reply.value).get().events.count == 1)
        }
        #expect(life.mail.timerCount < 5)

        let (long, short) = (
            try life.askForFeed(from: next + 20, wait: 50_000), try life.askForFeed(from: next + 20, wait: 300)
        )
        life.pass(299)
        #expect(short.value == nil)
        life.pass(1)
        #expect(try #require(short.value).get().events.isEmpty && long.value == nil)
        life.pass(49_700)
        #expect(try #require(long.value).get().events.isEmpty)

        let last = try life.askForFeed(from: next + 20, wait: 10_000)
        world.clock.milliseconds -= 3_600_000
        for work in life.mail.takeAllTimers() { work() }
        life.settle()
        #expect(last.value != nil)
    }

    /// Goal: nothing is told that a crash can take away. Method: a frame that is still in flight.
    @Test func whatIsInFlightIsNotTold() throws {
        let world = World()
        let life = try world.start(slow: true, feed: .ample)
        try life.supply(codes: 3)
        life.tellAll()
        _ = try life.allocate("u1")
        _ = try life.loops[0].commit()
        life.pump()
        for work in life.mail.takeTimers(now: .max) { work() }
        life.pump()
        let reply = Reply<Result<FeedPage, ControlError>>()
        try #require(life.control.feed).read(from: 1, count: 100, waitMilliseconds: 0) { reply.set($0) }
        life.pump()
        #expect(try #require(reply.value).get().events.count == 3)
        life.tellAll()
        #expect(try life.feedWords().last == "given u1 K0")
    }

    /// Goal: whichever call of the feed's storage fails, and the power then too, what was told stays, and each record
    /// is told once. Method: the n-th call for all n until a run is clean; the shards' rows are the oracle.
    @Test(arguments: [false, true])
    func whateverCallFailsEachRecordIsToldOnce(crashes: Bool) throws {
        var call = 0
        var failed = true
        while failed, call < 100 {
            call += 1
            let world = World()
            var settings = FeedSettings.ample
            settings.bytesMaximum = 64 << 10
            var life = try world.start(loops: 2, feed: settings)
            try life.supply(codes: 100, returns: .reuse)
            world.feed.fail(call: call)
            for number in 0..<6 {
                try life.give("u\(number)", loop: number % 2)
                try life.hold("h\(number)", loop: 1 - number % 2)
                life.tellAll()
                try life.end(.released, "h\(number)", loop: number % 2)
                if number == 3 { try life.snapshot() }
            }
            let told = try? life.feed()
            failed = world.feed.failureCount > 0
            world.feed.fail(call: nil)
            if crashes {
                world.crashLosingWrites()
                life = try world.start(loops: 1, feed: settings)
            }
            life.pass(FeedDesk.retryMilliseconds)
            life.tellAll()
            let events = try life.feed()
            if let told { #expect(Array(events.prefix(told.count)) == told, "call \(call)") }
            #expect(try life.feedAllocations() == life.feedOracle(), "call \(call)")
            #expect(!events.contains { $0.kind == .gap })
            #expect(try life.ledger().holds)
        }
        #expect(call > 5 && !failed)
    }

    /// Goal: a frame that the power cut off is told anew under the same numbers. Method: the newest file is cut at
    /// every byte of its last frame.
    @Test func aTornFrameIsToldAnew() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supply(codes: 10)
        life.tellAll()
        let before = try #require(world.feed.files[.first]).count
        try life.give("u1")
        try life.give("u2")
        life.tellAll()
        let words = try life.feedWords()
        let whole = try #require(world.feed.files[.first])
        for count in stride(from: before, to: whole.count, by: 7) {
            world.crash()
            world.feed.replace(.first, with: Array(whole.prefix(count)))
            life = try world.start(feed: .ample)
            life.tellAll()
            #expect(try life.feedWords() == words, "cut at \(count)")
        }
    }

    /// Goal: a damaged stretch is told as missed, and its numbers are not used again. Method: a byte in the middle.
    @Test func damageIsToldAndNoNumberIsUsedTwice() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supply(codes: 10)
        life.tellAll()
        let start = try #require(world.feed.files[.first]).count
        try life.give("u1")
        life.tellAll()
        try life.give("u2")
        life.tellAll()
        var bytes = try #require(world.feed.files[.first])
        bytes[start + FeedFrameHeader.byteCount + 1] ^= 0xFF
        world.crash()
        world.feed.replace(.first, with: bytes)
        life = try world.start(feed: .ample)
        try life.give("u3")
        life.tellAll()
        #expect(life.events.contains { if case .feedDamaged = $0 { true } else { false } })
        let page = try life.feedPage()
        #expect(page.events.count == 3 && page.next == 4 && page.missed == 0)
        let behind = try life.feedPage(from: 4)
        #expect(behind.missed == 1 && behind.first == 5 && behind.next == 7)
        #expect(behind.events.map(life.words) == ["given u2 K1", "given u3 K2"])
    }

    /// Goal: a feed that cannot be read stands in nobody's way, and comes back. Method: its first call fails.
    @Test func aFeedThatCannotBeReadStopsNothing() throws {
        let world = World()
        world.feed.fail(call: 1)
        let life = try world.start(feed: .ample)
        try life.supply(codes: 3)
        try life.give("u1")
        #expect(life.events.contains { if case .feedFailed = $0 { true } else { false } })
        #expect(try life.askForFeed().value?.feedError == .notReady)
        #expect(life.control.feed?.info.fault != nil)
        life.pass(FeedDesk.retryMilliseconds)
        life.tellAll()
        #expect(try life.feedWords().last == "given u1 K0")
        #expect(life.control.feed?.info.fault == nil)
    }

    /// Goal: a feed that begins later tells what happens from then on. Method: a life without it first.
    @Test func aFeedThatBeginsTellsNothingOfBefore() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 1)
        try life.give("u1")
        life.settle()
        world.crash()
        life = try world.start(feed: .ample)
        life.tellAll()
        #expect(try life.feedWords() == [])
        try life.createList("later")
        life.tellAll()
        #expect(try life.feedWords() == ["listCreated"])
    }
}

// MARK: - Retention and the log

extension FeedTests {
    private static let firstSegment = SegmentID(lane: LaneID(rawValue: 0), number: .first)

    /// Goal: no log goes that the feed has not told. Method: the feed rests while snapshots cover what is new.
    @Test func logThatIsNotToldIsKept() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supply(codes: 10)
        life.tellAll()
        for number in 1...4 {
            // The first one wakes the feed, which then rests: no time passes.
            try life.give("u\(number)")
            life.settle()
            try life.give("v\(number)")
            try life.snapshot()
        }
        #expect(world.log.bytes(of: Self.firstSegment) == nil)
        life.tellAll()
        #expect(try life.feedAllocations() == life.feedOracle())
        #expect(try !life.feedWords().contains("gap"))
    }

    /// Goal: a feed that cannot be written does not keep the log for ever, and says what it lost. Method: writes fail
    /// over three snapshots.
    @Test func aFeedThatFailsTellsAGap() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supply(codes: 10)
        life.tellAll()
        for number in 1...5 {
            world.feed.fail(call: 1, with: FaultPlan.noSpace)
            if number <= 3 { try life.give("u\(number)") }
            life.pass(FeedDesk.retryMilliseconds)
            try life.snapshot()
        }
        #expect(world.log.bytes(of: Self.firstSegment) == nil)
        world.feed.fail(call: nil)
        life.pass(FeedDesk.retryMilliseconds)
        life.tellAll()
        let meanwhile = try life.feedWords()
        #expect(meanwhile.last == "gap", "also while nothing new happens: \(meanwhile)")
        try life.give("u4")
        life.tellAll()
        let words = try life.feedWords()
        #expect(words.contains("gap") && words.last == "given u4 K3")
        #expect(life.events.contains { if case .feedGap = $0 { true } else { false } })
    }

    /// Goal: old events go by bytes, and who asks for them is told how many. Method: a small bound.
    @Test func theOldestEventsGoByBytes() throws {
        let world = World()
        var settings = FeedSettings.ample
        settings.bytesMaximum = 16 << 10
        let life = try world.start(feed: settings)
        try life.supply(codes: 2_000)
        for number in 0..<1_200 {
            try life.give("user-with-a-long-name-\(number)")
            if number % 4 == 0 { life.pass(20) }
        }
        life.tellAll()
        let info = try #require(life.control.feed?.info)
        let oldest = try #require(info.oldest)
        #expect(oldest > 1 && info.byteCount <= settings.bytesMaximum && info.newest == 1_203, "\(info)")
        let page = try life.feedPage(count: 10)
        #expect(page.missed == oldest - 1 && page.first == oldest && page.events.count == 10)
        #expect(world.feed.files.count == info.fileCount)
    }

    /// Goal: old events go by age. Method: two weeks.
    @Test func theOldestEventsGoByAge() throws {
        let world = World()
        let life = try world.start(
            feed: FeedSettings(bytesMaximum: 1 << 30, ageMillisecondsMaximum: 16 * hour))
        try life.supply(codes: 40)
        for number in 0..<40 {
            try life.give("u\(number)")
            life.pass(hour)
            life.tellAll()
        }
        let info = try #require(life.control.feed?.info)
        #expect((15...20).contains(try #require(info.newest) - (try #require(info.oldest))))
    }

    /// Goal: a file that cannot be removed holds back no event, and is removed when that can be. Method: no removal
    /// succeeds for a while.
    @Test func aFileThatCannotBeRemovedHindersNobody() throws {
        let world = World()
        let life = try world.start(feed: FeedSettings(bytesMaximum: 1 << 30, ageMillisecondsMaximum: 16 * hour))
        try life.supply(codes: 60)
        world.feed.refuse(removals: true)
        for number in 0..<60 {
            try life.give("u\(number)")
            life.pass(hour)
            life.tellAll()
            #expect(try life.feedWords().contains("given u\(number) K\(number)"))
            if number == 39 {
                #expect(try #require(life.control.feed?.info.oldest) == 1)
                world.feed.refuse(removals: false)
            }
        }
        let told = life.events.count { if case .cleaningFailed = $0 { true } else { false } }
        #expect(told == 1, "once, not for each event")
        #expect(try #require(life.control.feed?.info.oldest) > 20)
    }

    /// Goal: a lane that rests while snapshots remove its segments is told of as before. Method: two snapshots beside an
    /// idle loop, so that the segment goes in which the feed had come to an end; then a code by that loop.
    @Test func aLaneWhoseSegmentWentWhileItRestedGoesOn() throws {
        let world = World()
        let life = try world.start(loops: 2, feed: .ample)
        try life.supply(codes: 10)
        try life.give("u1")
        life.tellAll()
        for number in 0..<3 {
            try life.snapshot()
            try life.give("other\(number)", loop: 1)
        }
        try life.give("u2")
        life.tellAll()
        let info = try #require(life.control.feed?.info)
        #expect(info.faultCount == 0)
        #expect(try life.feedWords().suffix(2).contains { $0.hasPrefix("given u2") })
        #expect(try life.feedAllocations() == life.feedOracle())
    }

    /// Goal: a file whose removal failed behind itself (a sync, say) does not stop the feed for ever. Method: the oldest
    /// file is gone before its age has come.
    @Test func aFileThatIsGoneAlreadyIsNoFault() throws {
        let world = World()
        let life = try world.start(
            feed: FeedSettings(bytesMaximum: 1 << 30, ageMillisecondsMaximum: 16 * hour))
        try life.supply(codes: 40)
        for number in 0..<40 {
            if number == 15 { world.feed.replace(try #require(world.feed.files.keys.min()), with: nil) }
            try life.give("u\(number)")
            life.pass(hour)
            life.tellAll()
        }
        let info = try #require(life.control.feed?.info)
        #expect(info.fault == nil && info.faultCount == 0)
        #expect(world.feed.files.count == info.fileCount)
        #expect(try life.feedWords().contains("given u39 K39"))
    }
}

// MARK: - Warnings

extension FeedTests {
    /// Goal: low and empty are told once for each time that they come true, over restarts. Method: down to nothing, a
    /// crash, a refill, down again.
    @Test func lowAndEmptyAreToldOnceForEachTime() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.createList(warnAt: 2)
        try life.upload(["A", "B", "C"])
        try life.createCampaign()
        for number in 0..<3 {
            try life.give("u\(number)")
            life.tellAll()
        }
        func warnings() throws -> [String] {
            try life.feedWords().filter { $0.hasPrefix("low") || $0 == "empty" }
        }
        #expect(try warnings() == ["low(remaining: 2)", "empty"])
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        life.tellAll()
        #expect(try warnings() == ["low(remaining: 2)", "empty"])
        try life.upload(["D", "E", "F", "G"])
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        life.tellAll()
        for number in 3..<7 { try life.give("u\(number)") }
        life.tellAll()
        #expect(try warnings() == ["low(remaining: 2)", "empty", "low(remaining: 0)", "empty"])
    }

    /// Goal: a warning that a crash would make untrue is not told. Method: the last code is in flight.
    @Test func emptyWaitsForTheClaimsItRestsOn() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true, feed: .ample)
        try life.supply(codes: 2)
        try {
            let first = try life.allocate("u1")
            _ = try life.loops[0].commit()
            life.complete(0)
            #expect(life.isAcknowledged(first, loop: 0))
        }()
        _ = try life.allocate("u2", loop: 1)
        _ = try life.loops[1].commit()
        for _ in 0..<6 {
            world.clock.milliseconds += 20
            for work in life.mail.takeTimers(now: world.clock.milliseconds) { work() }
            life.pump()
        }
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        life.tellAll()
        #expect(try !life.feedWords().contains("empty"))
        #expect(try life.ledger().free == 1)
    }

    /// Goal: an expiry is told 7, 3 and 1 days before, and when it comes, each once. Method: days pass, with a restart
    /// in between.
    @Test func anExpiryIsToldOnItsDays() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.createList(expiresAt: World.firstMilliseconds + 10 * day)
        life.tellAll()
        for number in 1...11 {
            life.pass(day)
            life.tellAll()
            if number == 5 {
                world.crashLosingWrites()
                life = try world.start(feed: .ample)
            }
        }
        #expect(
            try life.feedWords() == [
                "listCreated", "expiring(days: 7)", "expiring(days: 3)", "expiring(days: 1)", "expired",
            ])
        try life.setExpiry(at: world.clock.milliseconds + 2 * day)
        life.tellAll()
        #expect(try life.feedWords().suffix(2) == ["listExpirySet", "expiring(days: 3)"])
    }
}

// MARK: - Waiting

extension FeedTests {
    /// Goal: a reader that waits is answered by the next event, or with nothing when its time is over. Method: both.
    @Test func aReaderWaitsForTheNextEvent() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supply(codes: 3)
        life.tellAll()
        let reply = try life.askForFeed(from: 4, wait: 1_000)
        let other = try life.askForFeed(from: 4, wait: 500)
        #expect(reply.value == nil)
        life.pass(500)
        #expect(try #require(other.value).get() == FeedPage(missed: 0, events: [], next: 4))
        try life.give("u1")
        life.tellAll()
        #expect(try #require(reply.value).get().events.map(life.words) == ["given u1 K0"])
        life.pass(1_000)
        #expect(reply.count == 1 && other.count == 1)
        #expect(try life.askForFeed(from: 6).value?.feedError == .ahead(next: 5))
    }

    /// Goal: those who wait are bounded, and answered when the server stops. Method: one too many.
    @Test func readersThatWaitAreBounded() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        life.tellAll()
        let maximum = FeedDesk.readersMaximum
        let replies = try (0...maximum).map { _ in try life.askForFeed(from: 1, wait: 1_000) }
        #expect(replies.last?.value?.feedError == .tooManyReaders(maximum: maximum))
        #expect(replies.filter { $0.value == nil }.count == maximum)
        life.control.feed?.stop()
        life.settle()
        #expect(replies.allSatisfy { $0.count == 1 })
    }
}

extension Result<FeedPage, ControlError> {
    fileprivate var feedError: FeedError? {
        if case .failure(.feed(let error)) = self { error } else { nil }
    }
}
