import Foundation
import TearoffProtocol
import Testing

@testable import TearoffClient

@Suite("A typed command sends what the manual says and reads what it promises")
struct CommandTests {
    /// Goal: each call writes its command, word by word. Method: every change against the words expected.
    @Test func changesAreWrittenAsTheManualSays() async throws {
        try await FakeServer.with(answerOK) { server in
            let client = try await server.connect()
            try await client.createList("june", expires: .text("2026-12-31"), warnAt: 10)
            try await client.createList("ten-off", .fixed(code: "SAVE10", limit: 5_000))
            try await client.setListExpiry("june", .at(Date(timeIntervalSince1970: 1_780_302_600.125)))
            try await client.setListExpiry("june", .never)
            try await client.createCampaign("summer", list: "june")
            try await client.createCampaign("winter", list: "june", rule: .untilExpiry)
            try await client.createCampaign(
                "spring", list: "june", rule: .window(.milliseconds(1_500)), returns: .reuse)
            try await client.setListWarning("june", at: 500)
            try await client.setListWarning("june", at: nil)
            try await client.renameList("june", to: "july")
            try await client.setFixedCode("ten-off", code: "SAVE20")
            try await client.setFixedCode("ten-off", code: "SAVE20", limit: 8_000)
            try await client.setCampaign("spring", rule: .once)
            try await client.setCampaign("spring", rule: .always, returns: .quarantine)
            try await client.confirm(campaign: "summer", user: "u1")
            try await client.release(campaign: "summer", user: "u1")
            try await client.finishCampaign("summer")
            try await client.resumeCampaign("summer")
            #expect(
                server.commands.map { $0.joined(separator: " ") } == [
                    "LIST CREATE june UNIQUE EXPIRES 2026-12-31 WARN 10",
                    "LIST CREATE ten-off FIXED SAVE10 5000",
                    "LIST SET june EXPIRES 2026-06-01T08:30:00.125Z",
                    "LIST SET june EXPIRES NEVER",
                    "CAMPAIGN CREATE summer LIST june RETRIGGER window 24h RETURNS quarantine",
                    "CAMPAIGN CREATE winter LIST june RETRIGGER until-expiry RETURNS quarantine",
                    "CAMPAIGN CREATE spring LIST june RETRIGGER window 1500ms RETURNS reuse",
                    "LIST SET june WARN 500",
                    "LIST SET june WARN NEVER",
                    "LIST SET june NAME july",
                    "LIST SET ten-off CODE SAVE20",
                    "LIST SET ten-off CODE SAVE20 LIMIT 8000",
                    "CAMPAIGN SET spring RETRIGGER once",
                    "CAMPAIGN SET spring RETRIGGER always RETURNS quarantine",
                    "CONFIRM summer u1",
                    "RELEASE summer u1",
                    "CAMPAIGN FINISH summer",
                    "CAMPAIGN RESUME summer",
                ])
            // The server's own parser takes every one of them.
            for command in server.commands {
                #expect(throws: Never.self) { try CommandTests.parse(command) }
            }
        }
    }

    static func parse(_ words: [String]) throws {
        var writer = CommandWriter()
        writer.command(words)
        var decoder = CommandDecoder()
        _ = try decoder.decode(writer.bytes.span, from: 0)
        _ = try Command(parsing: decoder, bytes: writer.bytes.span)
    }

    /// Goal: look-ups come back as values. Method: the sample server's answers, field by field where they
    /// differ.
    @Test func lookUpsAreRead() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let june = try await client.listInfo("june")
            #expect(june.name == "june" && !june.isFixed && june.uploaded == 100_000 && june.free == 99_998)
            #expect(june.given == 2 && june.warnAt == 10_000 && !june.isLow && !june.isExpired)
            #expect(june.expiresAt == ServerTime.date("2026-12-31T23:59:59.999Z"))
            let lists = try await client.lists()
            #expect(lists.map(\.name) == ["june", "ten-off"])
            #expect(lists[1].isFixed && lists[1].expiresAt == nil && lists[1].warnAt == nil)
            let uploads = try await client.listUploads("june")
            #expect(uploads.map(\.upload) == [1, 4] && uploads.map(\.file) == ["june.txt", nil])
            #expect(uploads[0].hash == String(repeating: "1b", count: 32) && uploads[0].codes == 100_000)
            let last = try #require(uploads.last)
            #expect(last.free == 2_480 && last.held == 10 && last.given == 7 && last.burned == 3)
            #expect(last.committedAt == ServerTime.date("2026-06-02T10:00:00.000Z"))
            #expect(try await client.listUploads("june", from: 2, count: 1) == [last])
            #expect(server.commands.last == ["LIST", "UPLOADS", "june", "FROM", "2", "COUNT", "1"])
            let fixed = try await client.listUploads("ten-off")
            #expect(fixed.map(\.hash) == [nil] && fixed.map(\.file) == [nil] && fixed[0].free == 5_000)
            #expect(
                try await failure { () throws(TearoffError) in try await client.listUploads("nosuch") }.code
                    == .noList)
            let campaigns = try await client.campaigns()
            #expect(campaigns[0] == (try await client.campaignInfo("summer")))
            #expect(campaigns[0].state == .active && campaigns[0].retrigger == .standard)
            let stopped = try #require(ServerTime.date("2026-06-02T10:00:00.000Z"))
            #expect(campaigns[1].state == .finished(.stopped, at: stopped) && campaigns[1].retrigger == .once)
            let history = try await client.userHistory("u1")
            #expect(history.map(\.code) == ["K7QP-2M4X"] && history[0].userID == "crm-7")
            let places = try await client.findCode("K7QP-2M4X")
            #expect(places.map(\.owner?.user) == ["u1"] && places[0].upload == 1)
            #expect(try await client.findCode("NOSUCH").isEmpty)
            let trail = try await client.auditTrail(from: 2, count: 10)
            #expect(server.commands.last == ["AUDIT", "READ", "FROM", "2", "COUNT", "10"])
            #expect(trail.map(\.number) == [2, 3] && trail.map(\.act) == ["LIST SET", "CAMPAIGN FINISH"])
            let (set, finish) = (trail[0], trail[1])
            #expect(set.before == "warn=10000" && set.after == "warn=5000" && set.object == "june")
            #expect(set.user == "default" && set.client == nil && set.address == "192.0.2.7:50410")
            #expect(finish.user == "system" && finish.address == nil && finish.previous == set.hash)
            #expect(try await client.auditTrail().first?.client == "anna")
            #expect(server.commands.last == ["AUDIT", "READ"])
            let verdict = try await client.checkAuditTrail()
            #expect(verdict.records == 3 && verdict.fault == nil)
            let page = try await client.feed(from: 2, count: 10, wait: .seconds(5))
            #expect(server.commands.last == ["FEED", "READ", "2", "COUNT", "10", "BLOCK", "5000"])
            #expect(page.events.map(\.sequence) == [2, 3] && page.next == 4 && page.missed == 0)
            #expect(page.events[0].code == "K7QP-2M4X" && page.events[0].isReturned == nil)
            #expect(page.events[1].event == "low" && page.events[1].remaining == 10_000)
            #expect(try await client.feedInfo().newest == 3)
            #expect(try await client.snapshot().bytesWritten == 1_048_576)
            #expect(try await client.info(section: "server").hasPrefix("# Server\r\n"))
            try await client.ping()
        }
    }

    /// Goal: an allocation says everything, or the code alone. Method: first, repeat, error.
    @Test func allocationsAreRead() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            #expect(
                try await client.allocateCode(campaign: "summer", user: "u1", userID: "crm-7") == "K7QP-2M4X")
            let full = try await client.allocate(campaign: "summer", user: "u1")
            #expect(full.code == "K7QP-2M4X" && full.isRepeat && full.list == "june" && full.ordinal == 1)
            #expect(full.givenAt == ServerTime.date("2026-06-01T08:30:00.125Z"))
            let error = try await failure { () throws(TearoffError) in
                try await client.allocateCode(campaign: "autumn", user: "u1")
            }
            #expect(error == TearoffError(.noCampaign, "no campaign 'autumn'"))
            let codes = await client.allocateCodes(campaign: "summer", users: ["u1", "u1"])
            #expect(codes == [.success("K7QP-2M4X"), .success("K7QP-2M4X")])
            let many = try await client.allocateMany(campaign: "summer", users: ["u1", "u4", "late"])
            #expect(many[0] == .given(code: "K7QP-2M4X", isRepeat: true))
            #expect(many[1] == .given(code: "CODE-\"u4\"", isRepeat: false))
            #expect(many[2] == .refused(.exhausted))
            #expect(server.commands.last == ["ALLOCMANY", "summer", "u1", "u4", "late"])
            #expect(TearoffClient.Limits.usersOfOneCall == ArgumentLimits.manyUsersMax)
            #expect(server.commands[0] == ["ALLOC", "summer", "u1", "USERID", "crm-7"])
            #expect(server.commands[1] == ["ALLOC", "summer", "u1", "FULL"])
        }
    }

    /// Goal: a key goes out, and what it means comes back. Method: a replay, no key, a key of something else.
    @Test func keysAreSentAndReplaysRead() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let replay = try await client.allocate(campaign: "summer", user: "u1", key: "order-17")
            #expect(replay.isReplayed == true)
            #expect(try await client.allocate(campaign: "summer", user: "u1").isReplayed == nil)
            _ = try await client.allocateCode(campaign: "summer", user: "u1", userID: "m", key: "order-17")
            _ = try await client.hold(campaign: "summer", user: "u1", for: .seconds(1), key: "order-17")
            let error = try await failure { () throws(TearoffError) in
                _ = try await client.allocate(campaign: "summer", user: "u1", key: "order-18")
            }
            #expect(error.code == .keyReuse)
            #expect(server.commands[0] == ["ALLOC", "summer", "u1", "KEY", "order-17", "FULL"])
            #expect(server.commands[2] == ["ALLOC", "summer", "u1", "USERID", "m", "KEY", "order-17"])
            #expect(server.commands[3].suffix(3) == ["KEY", "order-17", "FULL"])
        }
    }

    /// Goal: a preview says what would be given, or why nothing. Method: one of each kind, and an error.
    @Test func previewsAreRead() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let new = try await client.preview(campaign: "summer")
            #expect(new.outcome == .new(code: "B3RT-9W1Z") && new.nextCode == "B3RT-9W1Z")
            #expect(new.list == "june" && new.expiresAt == ServerTime.date("2026-12-31T23:59:59.999Z"))
            let time = try #require(ServerTime.date("2026-06-01T08:30:00.125Z"))
            let again = try await client.preview(campaign: "summer", user: "u1")
            #expect(again.outcome == .again(code: "K7QP-2M4X", givenAt: time))
            let refused = try await client.preview(campaign: "winter", user: "u1")
            #expect(refused.outcome == .refused(TearoffError(.finished, "campaign 'winter' was stopped")))
            #expect(refused.nextCode == "B3RT-9W1Z")
            let error = try await failure { () throws(TearoffError) in
                try await client.preview(campaign: "autumn")
            }
            #expect(error == TearoffError(.noCampaign, "no campaign 'autumn'"))
            #expect(server.commands[0] == ["PREVIEW", "summer"])
            #expect(server.commands[1] == ["PREVIEW", "summer", "u1"])
        }
    }

    /// Goal: a map that lacks a key, or has another kind there, is no success. Method: one wrong answer after
    /// the other.
    @Test(arguments: [":1\r\n", "%0\r\n", "%1\r\n+snapshot\r\n$1\r\n3\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n"])
    func anAnswerOfAnotherShapeIsInvalid(bytes: String) async throws {
        let script: FakeServer.Script = { _, writer in
            writer.bytes += [UInt8](bytes.utf8)
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            let error = try await failure { () throws(TearoffError) in try await client.snapshot() }
            #expect(error.code == .invalidReply)
        }
    }

    /// Goal: the end of the connection is what `shutdown` waits for, and a refusal is thrown. Method: both.
    @Test func shutdownReturnsWhenTheServerHasGone() async throws {
        try await FakeServer.with({ _, _ in .close }) { server in
            try await server.connect().shutdown()
            #expect(server.commands == [["SHUTDOWN"]])
        }
        let refusal: FakeServer.Script = { _, writer in
            writer.error(.shutdown, "going down already")
            return .reply
        }
        try await FakeServer.with(refusal) { server in
            let client = try await server.connect()
            #expect(
                try await failure { () throws(TearoffError) in try await client.shutdown() }.code == .shutdown
            )
        }
    }
}

@Suite("Values keep their meaning between text and type")
struct ValueTests {
    /// Goal: an instant survives both ways to the millisecond. Method: every millisecond of two seconds, at a
    /// date where a binary fraction is not exact, and before 1970.
    @Test func everyMillisecondSurvives() {
        for base in [1_780_302_600, -1] {
            for millisecond in 0..<1_000 {
                let date = Date(timeIntervalSince1970: Double(base) + Double(millisecond) / 1_000)
                let text = ServerTime.text(date)
                #expect(text.hasSuffix(String("\(1_000 + millisecond)".dropFirst()) + "Z"))
                let read = ServerTime.date(text)?.timeIntervalSince(date) ?? .infinity
                #expect(abs(read) < 0.000_5, "\(text)")
                #expect(ServerTime.date(text).map(ServerTime.text) == text)
            }
        }
        #expect(ServerTime.date("2026-06-01") == nil)
    }

    /// Goal: a rule reads as it is written. Method: a table of texts, and of what is none.
    @Test(arguments: [
        ("window 24h", TearoffClient.RetriggerRule.standard), ("window 500ms", .window(.milliseconds(500))),
        ("window 7d", .window(.seconds(7 * 86_400))), ("window 90s", .window(.seconds(90))), ("once", .once),
        ("always", .always), ("until-expiry", .untilExpiry),
    ])
    func rulesReadAsTheyAreWritten(text: String, rule: TearoffClient.RetriggerRule) {
        #expect(TearoffClient.RetriggerRule(text) == rule)
        #expect(rule.description == text)
    }

    @Test(arguments: [
        "", "window", "window ", "window 0s", "window -1s", "window 1w", "window  1s", "window 1s 2s", "Once",
        "window 99999999999999999999d", "window 9999999999999999d",
    ])
    func whatIsNoRuleIsRefused(text: String) {
        #expect(TearoffClient.RetriggerRule(text) == nil)
    }

    /// Goal: every word of the server is a code of its own. Method: all of them, against the client's own
    /// codes.
    @Test func everyErrorWordIsACode() {
        for word in ErrorWord.allCases {
            #expect(TearoffError(word.rawValue).code.isFromServer, "\(word)")
        }
        let own: [TearoffError.Code] = [
            .unreachable, .connectionLost, .timeout, .cancelled, .closed, .invalidReply,
        ]
        #expect(own.allSatisfy { !$0.isFromServer })
    }
}

extension TearoffError {
    fileprivate init(_ word: String) { self.init(reply: "\(word) text") }
}
