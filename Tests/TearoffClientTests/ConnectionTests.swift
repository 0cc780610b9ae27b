import Synchronization
import TearoffProtocol
import Testing

@testable import TearoffClient

@Suite("A connection gives each caller its own reply, or says why there is none", .timeLimit(.minutes(1)))
struct ConnectionTests {
    private let echo: FakeServer.Script = { command, writer in
        writer.bulk(command.last ?? "")
        return .reply
    }

    /// Goal: replies are matched in order, whoever calls. Method: 1000 tasks, each with a message of its own.
    @Test func manyTasksGetTheirOwnReplies() async throws {
        try await FakeServer.with(echo) { server in
            let client = try await server.connect()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1_000 {
                    group.addTask {
                        let reply = try await client.send(.init("ECHO", "\(number)"))
                        #expect(reply.text == "\(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.commands.count == 1_000)
            #expect(server.connectionCount == 1)
        }
    }

    /// Goal: a batch keeps its order, and an error in it is one command's own. Method: every third one fails.
    @Test func aPipelineGivesOneResultForEachCommand() async throws {
        let script: FakeServer.Script = { command, writer in
            let number = Int(command[1]) ?? 0
            if number.isMultiple(of: 3) {
                writer.error(.exhausted, "none left")
            } else {
                writer.integer(Int64(number))
            }
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            let results = await client.pipeline((0..<100).map { .init("ECHO", "\($0)") })
            #expect(results.count == 100)
            for (number, result) in results.enumerated() {
                if number.isMultiple(of: 3) {
                    #expect(result == .failure(TearoffError(.exhausted, "none left")))
                } else {
                    #expect(result == .success(.integer(Int64(number))))
                }
            }
            #expect(await client.pipeline([]).isEmpty)
        }
    }

    /// Goal: when the connection ends, no caller waits for ever, and what came before is kept. Method: the
    /// server answers two commands and closes at the third; later calls fail at once.
    @Test func aLostConnectionFailsEveryWaitingCall() async throws {
        let script: FakeServer.Script = { command, writer in
            if command[1] == "2" { return .close }
            writer.bulk(command[1])
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            let results = await client.pipeline((0..<5).map { .init("ECHO", "\($0)") })
            #expect(results[0] == .success(.bytes([0x30])))
            #expect(results[1] == .success(.bytes([0x31])))
            for result in results[2...] {
                #expect(throws: TearoffError.self) { try result.get() }
                guard case .failure(let error) = result else { continue }
                #expect(error.code == .connectionLost)
                #expect(error.outcomeIsUnknown)
            }
            #expect(
                try await failure { () throws(TearoffError) in try await client.ping() }.code
                    == .connectionLost)
        }
    }

    /// Goal: a silent server fails the call in time, and the connection with it. Method: a short limit; the
    /// first command is answered, so that the limit of the second one is the one that is hit.
    @Test func silenceEndsInATimeout() async throws {
        let script: FakeServer.Script = { command, writer in
            guard command[0] == "PING" else { return .silence }
            writer.simple("PONG")
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            try await client.ping()
            let silent = try client.start(.init("ECHO", "x"), timeout: .milliseconds(30))
            let error = try await failure { () throws(TearoffError) in try await silent.reply() }
            #expect(error.code == .timeout)
            #expect(error.outcomeIsUnknown)
            #expect(try await failure { () throws(TearoffError) in try await client.ping() }.code == .timeout)
        }
    }

    /// Goal: a long operation before a short one does not lengthen the short one's limit. Method: the first
    /// call has an hour, and is answered; the second one, sent behind it, is not.
    @Test func eachCommandHasItsOwnLimit() async throws {
        let script: FakeServer.Script = { command, writer in
            guard command[0] == "SNAPSHOT" else { return .silence }
            writer.map(0)
            return .reply
        }
        try await FakeServer.with(script) { server in
            // The greeting's limit is the first timer of all: it must not stand in for the short one.
            let client = try await server.connect(options: .init(connectTimeout: .seconds(3_600)))
            let long = try client.start(.init("SNAPSHOT"), timeout: .seconds(3_600))
            let short = try client.start(.init("PING"), timeout: .milliseconds(30))
            _ = try await long.reply()
            #expect(try await failure { () throws(TearoffError) in try await short.reply() }.code == .timeout)
        }
    }

    /// Goal: what waits is bounded. Method: a server that never answers; the third of two is refused unsent,
    /// and a pipeline as a whole.
    @Test func aFullQueueSaysBusy() async throws {
        try await FakeServer.with({ _, _ in .silence }) { server in
            let client = try await server.connect(options: .init(pendingCommandsMaximum: 2))
            _ = try client.start(.init("PING"), timeout: nil)
            #expect(await client.pipeline([.init("PING"), .init("PING")]).allSatisfy { $0.isBusy })
            _ = try client.start(.init("PING"), timeout: nil)
            let error = try await failure { () throws(TearoffError) in try await client.ping() }
            #expect(error.code == .busy)
            #expect(!error.outcomeIsUnknown)
        }
    }

    /// Goal: a caller looks before it repeats what may have been done. Method: the words of a server that ends before
    /// it knows, and some of one that did nothing.
    @Test func itIsToldWhetherACommandMayHaveBeenCarriedOut() {
        for code in [TearoffError.Code.diskError, .shutdown, .ledger, .connectionLost, .timeout] {
            #expect(TearoffError(code, "").outcomeIsUnknown, "\(code.name)")
        }
        for code in [TearoffError.Code.busy, .exhausted, .limit, .noSpace, .loading, .unreachable] {
            #expect(!TearoffError(code, "").outcomeIsUnknown, "\(code.name)")
        }
    }

    /// Goal: bytes are bounded too, but one command of any size goes. Method: a bound of 10 bytes.
    @Test func aQueueFullOfBytesSaysBusy() async throws {
        try await FakeServer.with({ _, _ in .silence }) { server in
            let client = try await server.connect(options: .init(pendingBytesMaximum: 10))
            _ = try client.start(.init("ECHO", "longer than the bound"), timeout: nil)
            #expect(try await failure { () throws(TearoffError) in try await client.ping() }.code == .busy)
        }
    }

    /// Goal: room comes back with the replies. Method: far more commands than the bound, one after the other.
    @Test func answeredCommandsMakeRoom() async throws {
        try await FakeServer.with(echo) { server in
            let client = try await server.connect(
                options: .init(pendingCommandsMaximum: 2, pendingBytesMaximum: 64))
            for number in 0..<100 {
                #expect(try await client.send(.init("ECHO", "\(number)")).text == "\(number)")
            }
        }
    }

    /// Goal: a cancelled task stops waiting and the connection stays in step. Method: the first reply is held
    /// back until its task was cancelled; the next command gets its own reply.
    @Test func aCancelledCallLeavesTheOthersInStep() async throws {
        let script: FakeServer.Script = { command, writer in
            if command[1] == "held" { return .silence }
            writer.bulk("held")
            writer.bulk(command[1])
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            let held = try client.start(.init("ECHO", "held"), timeout: nil)
            let task = Task { await held.outcome() }
            task.cancel()
            #expect(await task.value.failure?.code == .cancelled)
            #expect(try await client.send(.init("ECHO", "next")).text == "next")
        }
    }

    /// Goal: closing fails the waiting calls, and later ones. Method: a silent server.
    @Test func closingFailsWaitingCalls() async throws {
        try await FakeServer.with({ _, _ in .silence }) { server in
            let client = try await server.connect()
            let call = try client.start(.init("PING"), timeout: nil)
            await client.close()
            #expect(await call.outcome().failure?.code == .closed)
            #expect(try await failure { () throws(TearoffError) in try await client.ping() }.code == .closed)
        }
    }

    /// Goal: a call that comes while the connection ends is failed as well, taken or not. Method: calls are
    /// started as fast as possible until the first is refused, while the client closes; none may wait for
    /// ever.
    @Test func callsAtTheVeryEndAreFailedToo() async throws {
        try await FakeServer.with({ _, _ in .silence }) { server in
            for _ in 0..<50 {
                let client = try await server.connect()
                async let closing: Void = client.close()
                var calls: [Call] = []
                while let call = try? client.start(.init("PING"), timeout: nil) { calls.append(call) }
                for call in calls { #expect(await call.outcome().failure?.code == .closed) }
                await closing
            }
        }
    }

    /// Goal: bytes that are no reply end the connection and are named so. Method: a lone letter.
    @Test(arguments: ["x", "$-5\r\n", ":1\r\n:2\r\n"])
    func nonsenseIsAnInvalidReply(bytes: String) async throws {
        let script: FakeServer.Script = { _, writer in
            writer.bytes += [UInt8](bytes.utf8)
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            // An integer is a reply; the second one belongs to nobody.
            _ = try? await client.send(.init("ECHO", "x"))
            let error = try await failure { () throws(TearoffError) in
                _ = try await client.send(.init("ECHO", "y"))
                return try await client.send(.init("ECHO", "z"))
            }
            #expect(error.code == .invalidReply)
        }
    }
}

extension Result<TearoffClient.Value, TearoffError> {
    fileprivate var isBusy: Bool {
        if case .failure(let error) = self { error.code == .busy } else { false }
    }
}

@Suite("Connecting greets, authenticates and waits for a server that is loading")
struct ConnectTests {
    /// Goal: an unused port is told as unreachable. Method: a port that a server has just given up.
    @Test func noServerIsUnreachable() async throws {
        let port = try await FakeServer.with(answerOK) { $0.port }
        let error = try await failure { () throws(TearoffError) in try await TearoffClient.connect(port: port)
        }
        #expect(error.code == .unreachable)
        #expect(error.message.contains("127.0.0.1:\(port)"))
    }

    /// Goal: the greeting asks for RESP3 and carries the password and the name. Method: the script sees it.
    @Test func theGreetingCarriesPasswordAndName() async throws {
        let script: FakeServer.Script = { _, writer in
            writer.map(1)
            writer.bulk("server")
            writer.bulk("tearoff")
            return .reply
        }
        try await FakeServer.with(greets: false, script) { server in
            _ = try await server.connect(password: "a b\r\n", options: .init(clientName: "worker"))
            #expect(server.commands == [["HELLO", "3", "AUTH", "default", "a b\r\n", "SETNAME", "worker"]])
        }
    }

    /// Goal: what the server refuses at the greeting is thrown as it is. Method: three words.
    @Test(arguments: [ErrorWord.wrongPassword, .noAuthentication, .limit])
    func aRefusedGreetingIsThrown(word: ErrorWord) async throws {
        let script: FakeServer.Script = { _, writer in
            writer.error(word, "no")
            return .close
        }
        try await FakeServer.with(greets: false, script) { server in
            let error = try await failure { () throws(TearoffError) in try await server.connect(password: "x")
            }
            #expect(error.code.name == word.rawValue)
            #expect(error.code.isFromServer)
        }
    }

    /// Goal: another server, a Redis for instance, is not taken for ours. Method: its greeting.
    @Test func anotherServerIsAnInvalidReply() async throws {
        let script: FakeServer.Script = { _, writer in
            writer.map(1)
            writer.bulk("server")
            writer.bulk("redis")
            return .reply
        }
        try await FakeServer.with(greets: false, script) { server in
            let error = try await failure { () throws(TearoffError) in try await server.connect() }
            #expect(error.code == .invalidReply)
        }
    }

    /// Goal: `connect` returns when the server is ready. Method: LOADING three times, then PONG.
    @Test func loadingIsAwaited() async throws {
        let asked = Counter()
        let script: FakeServer.Script = { _, writer in
            if asked.next() <= 3 { writer.error(.loading, "recovering") } else { writer.simple("PONG") }
            return .reply
        }
        try await FakeServer.with(script) { server in
            _ = try await server.connect(
                options: .init(waitWhileLoading: .seconds(60), loadingRetryInterval: .milliseconds(1)))
            #expect(server.commands.count == 4)
        }
    }

    /// Goal: patience ends. Method: LOADING for ever, and no patience at all.
    @Test func loadingForTooLongIsThrown() async throws {
        let script: FakeServer.Script = { _, writer in
            writer.error(.loading, "recovering")
            return .reply
        }
        try await FakeServer.with(script) { server in
            let error = try await failure { () throws(TearoffError) in
                try await server.connect(options: .init(waitWhileLoading: .zero))
            }
            #expect(error.code == .loading)
            // Without the option nobody asks.
            _ = try await server.connect()
            #expect(server.commands.count == 1)
        }
    }
}

/// 1, 2, 3, ...
final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
