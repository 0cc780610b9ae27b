import TearoffLoad

/// One thread of the generator: its connections, its loop.
struct Worker: Sendable {
    /// What ends a run early.
    enum Failure: Error, CustomStringConvertible {
        case system(SystemFailure)
        /// The server closed a connection.
        case closed
        case silence
        case notRESP
        case refused(String)

        var description: String {
            switch self {
            case .system(let failure): failure.description
            case .closed: "the server closed a connection"
            case .silence: "no reply for \(LoadLimits.latencyNanosecondsMax / 1_000_000_000) seconds"
            case .notRESP: "the server sent something that is no reply to a command"
            case .refused(let line): "the server refused the password: \(line)"
            }
        }
    }

    struct Report: Sendable {
        let tally: LoadTally
        let load: GeneratorLoad
    }

    /// Several reads' worth of replies; a batch of 1,000 codes has 19,000 bytes.
    private static let readBytes = 64 << 10

    private let plan: LoadPlan
    private let thread: Int
    private let sockets: [Socket]
    private let poller: Poller
    private var buffer = [UInt8](repeating: 0, count: Self.readBytes)

    /// Connects, and authenticates when there is a password.
    init(_ plan: LoadPlan, thread: Int, server: ServerAddress, password: String?) throws(Failure) {
        self.plan = plan
        self.thread = thread
        do throws(SystemFailure) {
            poller = try Poller()
            var sockets: [Socket] = []
            for _ in 0..<plan.connections(ofThread: thread) {
                sockets.append(try Socket.connect(host: server.host, port: server.port))
            }
            self.sockets = sockets
        } catch {
            throw .system(error)
        }
        for (index, socket) in sockets.enumerated() {
            if let password { try Self.authenticate(socket, password) }
            try Self.system { () throws(SystemFailure) in
                try socket.becomeNonBlocking()
                try poller.add(socket, index: index)
            }
        }
    }

    private static func system<Value>(_ body: () throws(SystemFailure) -> Value) throws(Failure) -> Value {
        do throws(SystemFailure) { return try body() } catch { throw .system(error) }
    }

    private static func authenticate(_ socket: Socket, _ password: String) throws(Failure) {
        var command = Array("*2\r\n$4\r\nAUTH\r\n$\(password.utf8.count)\r\n\(password)\r\n".utf8)[...]
        while !command.isEmpty {
            let rest = Array(command)
            command = command.dropFirst(
                try system { () throws(SystemFailure) in try socket.send(rest.span) })
        }
        var line: [UInt8] = []
        var byte: [UInt8] = [0]
        while line.last != UInt8(ascii: "\n") {
            let count = try system { () throws(SystemFailure) in try socket.receive(into: &byte) }
            guard let count else { throw .silence }
            guard count > 0 else { throw .closed }
            guard line.count <= LoadLimits.replyLineBytesMax else { throw .notRESP }
            line += byte
        }
        if line.first != UInt8(ascii: "+") {
            throw .refused(String(decoding: line.dropFirst().dropLast(2), as: UTF8.self))
        }
    }
}

// MARK: - Loop

extension Worker {
    /// Runs the plan; its first command is due at `start`.
    mutating func run(start: UInt64) throws(Failure) -> Report {
        System.sharpenTimers()
        var engine = LoadEngine(plan, thread: thread, startNanoseconds: start)
        var meter = Meter(recordingStart: start + plan.warmUpNanoseconds)
        var events = Poller.Events()
        var now = System.now()
        var lastReply = max(now, start)
        while true {
            engine.issueDue(now: now)
            while let index = engine.takeUnsent() { try send(on: index, &engine) }
            meter.note(now: now, replies: engine.tally.replies)
            if engine.isDone { break }
            try wait(for: engine.nextDueNanoseconds, now: now, &events)
            let repliesBefore = engine.tally.replies
            for number in 0..<events.count {
                let event = events[number]
                if event.canRead { try receive(on: event.index, &engine) }
                if event.canWrite { try send(on: event.index, &engine) }
            }
            now = System.now()
            let isWaiting = engine.tally.outstanding > 0 && engine.tally.replies == repliesBefore
            if !isWaiting { lastReply = max(lastReply, now) }
            guard now < lastReply + LoadLimits.latencyNanosecondsMax else { throw .silence }
            if isOver(engine.endNanoseconds, now: now) { engine.abandon(now: now) }
        }
        return Report(tally: engine.tally, load: meter.load(now: now, replies: engine.tally.replies))
    }

    private func isOver(_ end: UInt64, now: UInt64) -> Bool {
        end != .max && now > end + LoadLimits.drainNanoseconds
    }

    /// Waits for replies until the next command is due, and a second at most: silence must be noticed.
    private func wait(for due: UInt64?, now: UInt64, _ events: inout Poller.Events) throws(Failure) {
        let dueIn = due.map { $0 - min($0, now) } ?? .max
        do throws(SystemFailure) {
            try poller.wait(nanoseconds: min(dueIn, 1_000_000_000), &events)
        } catch {
            throw .system(error)
        }
    }

    private func send(on index: Int, _ engine: inout LoadEngine) throws(Failure) {
        let socket = sockets[index]
        do throws(SystemFailure) {
            try engine.send(on: index) { bytes throws(SystemFailure) in try socket.send(bytes) }
        } catch {
            throw .system(error)
        }
    }

    /// Reads all there is, and sends at once what a closed loop has to say then.
    private mutating func receive(on index: Int, _ engine: inout LoadEngine) throws(Failure) {
        while true {
            let count: Int?
            do throws(SystemFailure) {
                count = try sockets[index].receive(into: &buffer)
            } catch {
                throw .system(error)
            }
            guard let count else { return }
            guard count > 0 else { throw .closed }
            do throws(ReplyScanner.Violation) {
                try engine.received(buffer.span.extracting(0..<count), on: index, now: System.now())
            } catch {
                throw .notRESP
            }
            while let next = engine.takeUnsent() { try send(on: next, &engine) }
            // A short read emptied the socket; what comes later is a new event.
            if count < buffer.count { return }
        }
    }
}

/// Measures the thread's own CPU time while it records.
private struct Meter {
    private let recordingStart: UInt64
    private var first: (cpu: UInt64, wall: UInt64, replies: UInt64)?

    init(recordingStart: UInt64) {
        self.recordingStart = recordingStart
    }

    mutating func note(now: UInt64, replies: UInt64) {
        if first == nil, now >= recordingStart { first = (System.threadCPUNanoseconds(), now, replies) }
    }

    func load(now: UInt64, replies: UInt64) -> GeneratorLoad {
        guard let first else { return GeneratorLoad(cpuNanoseconds: 0, wallNanoseconds: 0, replies: 0) }
        return GeneratorLoad(
            cpuNanoseconds: System.threadCPUNanoseconds() - first.cpu, wallNanoseconds: now - first.wall,
            replies: replies - first.replies)
    }
}
