import Logging
import NIOCore
import NIOPosix
import TearoffCore
import TearoffDelivery
import TearoffEngine
import TearoffLog
import TearoffStorage

/// A server that is starting, serving or stopping.
struct Host: Sendable {
    let state: ServerState
    private let settings: ServerSettings
    private let logger: Logger
    private let directory: DataDirectory
    private let loops: LoopGroup
    private let contexts: [NIOLoopBound<LoopContext>]
    private let control: NIOLoopBound<ControlContext>
    private let listener: any Channel
    private let adminSocket: AdminSocket?
    private let log: DirectoryLogStorage

    /// Makes the loops and listens; clients that connect before the data is recovered get `LOADING`.
    init(
        settings: ServerSettings, tls: TLSCertificates?, logger: Logger, directory: DataDirectory,
        loops: LoopGroup, stopRequested: @escaping @Sendable (ServerState.StopReason) -> Void
    ) async throws(StartFailure) {
        self.settings = settings
        self.logger = logger
        self.directory = directory
        self.loops = loops
        do {
            log = try directory.makeLogStorage(settings.logStorage)
            let control = try await Self.makeControl(on: loops.control.next())
            self.control = control
            let state = try ServerState(
                settings: settings, tls: tls, logger: logger, mechanism: log.mechanism, directory: directory,
                controlPort: Self.port(of: control), startedAtMilliseconds: WallClock.milliseconds(),
                stopRequested: stopRequested)
            self.state = state
            contexts = try await Self.makeContexts(loops.sockets, state)
        } catch let error as StorageError {
            throw StartFailure(.inputOutput, "\(error)")
        } catch {
            throw StartFailure(.inputOutput, "the event loops cannot start: \(error)")
        }
        do {
            listener = try await Listener.bind(settings, loops: loops, contexts: contexts)
        } catch {
            throw StartFailure(.unavailable, "cannot listen on \(settings.host):\(settings.port): \(error)")
        }
        do throws(StartFailure) {
            adminSocket =
                if let path = settings.adminSocketPath {
                    try await Listener.bind(adminSocket: path, loops: loops, contexts: contexts)
                } else { nil }
        } catch {
            // Whoever came in would meet loops that have ended.
            await Self.close(listener)
            throw error
        }
    }

    private static func close(_ listener: any Channel) async {
        do {
            try await listener.close()
        } catch {
            // It is closed already.
        }
    }

    private static func makeControl(on eventLoop: any EventLoop) async throws -> NIOLoopBound<ControlContext> {
        try await eventLoop.submit {
            NIOLoopBound(ControlContext(eventLoop: eventLoop), eventLoop: eventLoop)
        }.get()
    }

    private static func makeContexts(
        _ group: MultiThreadedEventLoopGroup, _ state: ServerState
    ) async throws -> [NIOLoopBound<LoopContext>] {
        var contexts: [NIOLoopBound<LoopContext>] = []
        for (index, eventLoop) in group.makeIterator().enumerated() {
            let context = try await eventLoop.submit {
                NIOLoopBound(LoopContext(eventLoop: eventLoop, server: state, index: index), eventLoop: eventLoop)
            }.get()
            let turnBell = try await TurnBell.hang(on: eventLoop) { context.value.giveTurns() }
            try await eventLoop.submit { context.value.listen(to: turnBell) }.get()
            contexts.append(context)
        }
        return contexts
    }

    private static func port(of control: NIOLoopBound<ControlContext>) -> ControlPort {
        ControlPort(
            execute: { body in
                control.eventLoop.execute { control.value.perform(body) }
            },
            scheduleExpiry: { deadline in
                control.eventLoop.execute {
                    control.value.scheduleExpiry(at: deadline, now: WallClock.milliseconds())
                }
            })
    }

    private func port(of context: NIOLoopBound<LoopContext>) -> LoopPort {
        LoopPort { body in
            context.eventLoop.execute { context.value.perform(body) }
        }
    }
}

// MARK: - Starting

extension Host {
    private enum Event: Sendable {
        case started
        case startFailed(StartFailure)
        case stop(ServerState.StopReason)
    }

    /// Recovers, serves, and goes down. A stop may be asked for during a long recovery too: nothing is lost
    /// by it.
    func serve(until reasons: AsyncStream<ServerState.StopReason>) async -> ExitCode {
        let (events, post) = AsyncStream.makeStream(of: Event.self)
        let starting = Task { post.yield(await start()) }
        let asking = Task { for await reason in reasons { post.yield(.stop(reason)) } }
        defer {
            starting.cancel()
            asking.cancel()
        }
        for await event in events {
            switch event {
            case .started:
                announce()
                watchDirectory()
            case .startFailed(let failure):
                logger.critical("start.refused", metadata: ["reason": "\(failure.message)"])
                await stop()
                return failure.code
            case .stop(let reason): return await stop(because: reason)
            }
        }
        return .ok
    }

    private func start() async -> Event {
        do throws(StartFailure) {
            try await startLoops(try await recover())
            return .started
        } catch {
            return .startFailed(error)
        }
    }

    private func stop(because reason: ServerState.StopReason) async -> ExitCode {
        switch reason {
        case .asked(let who):
            logger.notice("server.stopping", metadata: ["because": "\(who)"])
            await stop()
            logger.notice("server.stopped")
            return state.engine?.failure == nil ? .ok : .inputOutput
        case .failed(let failure):
            await stop()
            logger.critical("server.stopped", metadata: ["because": "\(failure)"])
            if case .log = failure { return .inputOutput }
            return .contradiction
        }
    }

    private func announce() {
        let address = listener.localAddress.map { "\($0.ipAddress ?? settings.host):\($0.port ?? 0)" } ?? ""
        logger.notice(
            "server.ready",
            metadata: [
                "listen": "\(address)", "tls": state.tls == nil ? "no" : "yes",
                "admin": "\(settings.adminSocketPath ?? "none")", "data": "\(settings.dataPath)",
                "threads": "\(settings.loopCount)", "log": "\(log.mechanism)", "version": "\(ServerState.version)",
            ])
    }

    /// A directory that is not where it was ends the server: what it would go on acknowledging, no start would find. One
    /// whose disk has no room to spare gives no new codes: what waits to be written must find room.
    private func watchDirectory() {
        let (directory, state) = (directory, state)
        loops.run(inMilliseconds: ServerLimits.directoryLookMilliseconds) { [self] in
            loops.runInBackground {
                guard let engine = state.engine, engine.failure == nil, !state.isStopping else { return }
                if directory.isInPlace {
                    noteRoom(engine)
                    return watchDirectory()
                }
                let gone = StorageError(.stat, file: "the data directory", problem: .missing)
                engine.fail(.log(LogFailure(lane: .control, cause: gone)))
            }
        }
    }

    private func noteRoom(_ engine: Engine) {
        let minimum = settings.freeBytesMinimum
        guard minimum > 0, let free = try? FileSystem(directory: settings.dataPath).freeBytes else { return }
        // Between the two it stays as it is, so that it does not change with every file.
        if free < minimum { engine.noteDisk(isFull: true, freeBytes: free) }
        if free >= minimum + minimum / 4 { engine.noteDisk(isFull: false, freeBytes: free) }
    }

    private func recover() async throws(StartFailure) -> EngineStart {
        let reporter = ProgressReporter(state: state, logger: logger)
        var source = RecoverySource(
            directory: directory.identity.id, shardCount: directory.identity.shardCount, log: log,
            blobs: directory.makeBlobStore(), makeHasher: { SHA256Hasher() },
            seed: .random(in: 0...UInt64.max), progress: { reporter.note($0) })
        source.workers = LoopGroup.recoveryWorkers
        let started = WallClock.milliseconds()
        let result: Result<RecoveredState, RecoveryError>
        do {
            result = try await loops.background.runIfActive {
                [source] () -> Result<RecoveredState, RecoveryError> in
                // What only the reading needed would stay resident for long.
                defer { ProcessMemory.trim() }
                do throws(RecoveryError) {
                    return .success(try Recovery.run(source))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw StartFailure(.inputOutput, "recovery was cut short: \(error)")
        }
        switch result {
        case .failure(let error): throw StartFailure(error)
        case .success(let recovered):
            let log = EventLog(logger: logger)
            for notice in recovered.notices { log.note(notice) }
            logger.notice(
                "recovery.done",
                metadata: [
                    "rows_from_snapshot": "\(recovered.counters.rowsFromSnapshot)",
                    "rows_from_log": "\(recovered.counters.rowsFromLog)",
                    "lists": "\(recovered.catalog.presentLists.count)",
                    "milliseconds": "\(WallClock.milliseconds() - min(started, WallClock.milliseconds()))",
                ])
            return EngineStart(
                recovered, source: source, settings: settings.engine, host: engineHost,
                segmentBytes: settings.segmentBytes, feed: directory.makeFeedStorage(),
                post: .init(
                    directory.makeDeliveryStorage(),
                    CurlCourier(settings.deliveryRoutes, wallMilliseconds: { WallClock.milliseconds() })))
        }
    }

    private var engineHost: EngineHost {
        let log = EventLog(logger: logger)
        return EngineHost(
            wallMilliseconds: { WallClock.milliseconds() },
            day: { [dates = state.dates] time in dates.day(containing: time) },
            background: { [loops] body in loops.runInBackground(body) },
            segments: { [loops] body in loops.makeSegments(body) },
            later: { [loops] wait, body in loops.run(inMilliseconds: wait, body) },
            giveWay: { LoopGroup.giveWay() },
            report: { [state] event in
                log.note(event)
                if case .engineFailed = event { state.engineFailed() }
            })
    }

    private func startLoops(_ start: EngineStart) async throws(StartFailure) {
        let controlPort = state.controlPort
        do {
            for context in contexts {
                try await context.eventLoop.submit {
                    let loop = context.value
                    let engine = try start.makeLoop(loop.index, control: controlPort)
                    start.supply.setWake(engine.writer.lane) {
                        context.eventLoop.execute { context.value.proceed() }
                    }
                    loop.prepare(engine)
                }.get()
                try await listenToCompletions(of: context)
            }
            let ports = contexts.map { port(of: $0) }
            let (control, state, directory) = (control, state, directory)
            try await control.eventLoop.submit {
                let plane = try start.makeControlPlane(loops: ports, port: controlPort)
                start.supply.setWake(.control) {
                    control.eventLoop.execute { control.value.proceed() }
                }
                try directory.markBegun()
                control.value.start(plane)
                state.serve(start.engine, plane)
            }.get()
            try await listenToControl()
            for context in contexts { try await context.eventLoop.submit { context.value.start() }.get() }
        } catch {
            throw StartFailure(.inputOutput, "the log cannot be begun: \(error)")
        }
    }

    private func listenToCompletions(of context: NIOLoopBound<LoopContext>) async throws {
        let descriptor = try await context.eventLoop.submit { context.value.completionDescriptor }.get()
        let channel = try await CompletionChannel.open(descriptor, on: context.eventLoop) {
            context.value.proceed()
        }
        try await context.eventLoop.submit { context.value.listen(to: channel) }.get()
    }

    private func listenToControl() async throws {
        let control = control
        let descriptor = try await control.eventLoop.submit { control.value.completionDescriptor }.get()
        let channel = try await CompletionChannel.open(descriptor, on: control.eventLoop) {
            control.value.proceed()
        }
        try await control.eventLoop.submit { control.value.listen(to: channel) }.get()
    }
}

// MARK: - Stopping

extension Host {
    /// Stops accepting, commits and answers what was read, seals every lane, closes every connection.
    private func stop() async {
        await Self.close(listener)
        await adminSocket?.close()
        // Those who wait for an event are answered, or they would wait longer than their connections last.
        state.feed?.stop()
        if let deliveries = state.deliveries {
            await withCheckedContinuation { stopped in deliveries.stop { stopped.resume() } }
        }
        for context in contexts {
            await settle(context.eventLoop.submit { context.value.stop() })
        }
        let control = control
        await settle(control.eventLoop.submit { control.value.stop() })
    }

    private func settle(_ future: EventLoopFuture<Void>) async {
        do {
            try await future.get()
        } catch {
            logger.error("shutdown.step-failed", metadata: ["error": "\(error)"])
        }
    }
}

extension ServerSettings {
    fileprivate var logStorage: LogStorageSettings {
        var storage = LogStorageSettings()
        switch mechanism {
        case .automatic: storage.mechanism = .automatic
        case .ioUring: storage.mechanism = .ioUring
        case .pwritev2: storage.mechanism = .pwritev2
        }
        storage.flushDelayMicroseconds = flushDelayMicroseconds
        storage.writesBeforeFailure = writesBeforeFailure
        return storage
    }

    fileprivate var engine: EngineSettings {
        var engine = EngineSettings(loopCount: loopCount)
        engine.lane.compressionLevel = compressionLevel
        engine.snapshotLogBytes = snapshotLogBytes
        if feedBytesMaximum > 0, feedMillisecondsMaximum > 0 {
            engine.feed = FeedSettings(
                bytesMaximum: feedBytesMaximum, ageMillisecondsMaximum: feedMillisecondsMaximum,
                tellsRepeats: feedTellsRepeats)
        }
        engine.deliveries.attemptsMaximum = deliveryAttempts
        if let pause = deliveryPauseMilliseconds { engine.deliveries.pauseMilliseconds = pause }
        return engine
    }
}
