import Synchronization
package import TearoffCore
import TearoffLog

/// The uploads that are being sent. Nothing of them is seen by their lists before they are committed.
///
/// Chunks are read in the background, from any thread; commits run one after the other, so that no code can
/// slip in between the look for duplicates and the change of the list.
package final class UploadDesk: Sendable {
    /// Uploads under way at once: each holds its codes in memory.
    package static let sessionsMaximum = 8

    private struct State {
        var sessions: [UInt64: UploadSession] = [:]
        var lastID: UInt64 = 0
        var commits: [@Sendable () -> Void] = []
        /// A commit is under way, or the blobs are being cleaned.
        var isCommitting = false
    }

    let engine: Engine
    let blobs: any BlobStore
    let port: ControlPort
    private let makeHasher: @Sendable () -> any ContentHasher
    let seed: UInt64
    private let state = Mutex(State())

    init(
        engine: Engine, blobs: any BlobStore, port: ControlPort,
        makeHasher: @escaping @Sendable () -> any ContentHasher, seed: UInt64
    ) {
        self.engine = engine
        self.blobs = blobs
        self.port = port
        self.makeHasher = makeHasher
        self.seed = seed
    }
}

// MARK: - Sessions

extension UploadDesk {
    /// - Parameter isImport: whether the file tells of codes that another system gave.
    /// - Returns: the number of the upload, by which its chunks come.
    package func begin(list: String, fileName: String, isImport: Bool = false) -> Result<UInt64, ControlError> {
        do throws(CatalogError) {
            _ = try engine.latestCatalog.checkUpload(to: list)
        } catch {
            return .failure(.catalog(error))
        }
        return state.withLock { state in
            guard state.sessions.count < Self.sessionsMaximum else {
                return .failure(.upload(.tooManyUploads(maximum: Self.sessionsMaximum)))
            }
            state.lastID += 1
            state.sessions[state.lastID] = UploadSession(
                list: list, fileName: fileName, isImport: isImport, hasher: makeHasher(), seed: seed)
            return .success(state.lastID)
        }
    }

    private func session(_ id: UInt64, list: String) throws(UploadError) -> UploadSession {
        guard let session = state.withLock({ $0.sessions[id] }), session.list == list else {
            throw .noUpload(id)
        }
        return session
    }

    /// Reads a chunk in the background.
    ///
    /// - Parameter done: called on some thread with the bytes received so far.
    package func chunk(
        _ id: UInt64, list: String, bytes: [UInt8],
        done: @escaping @Sendable (Result<UInt64, ControlError>) -> Void
    ) {
        engine.host.background { [self] in
            do throws(UploadError) {
                done(.success(try session(id, list: list).consume(bytes.span)))
            } catch {
                end(id)
                done(.failure(.upload(error)))
            }
        }
    }

    /// Throws an upload away.
    package func abort(_ id: UInt64, list: String) -> Result<Void, ControlError> {
        do throws(UploadError) {
            _ = try session(id, list: list)
            end(id)
            return .success(())
        } catch {
            return .failure(.upload(error))
        }
    }

    func end(_ id: UInt64) {
        _ = state.withLock { $0.sessions.removeValue(forKey: id) }
    }

    /// Ends the uploads of a connection that is gone.
    package func abandon(_ ids: Set<UInt64>) {
        for id in ids { end(id) }
    }

    /// Some of the bad lines of an upload that is being read or was refused.
    package func badLines(
        _ id: UInt64, list: String, from: UInt64, count: UInt64
    ) -> Result<[BadLine], ControlError> {
        do throws(UploadError) {
            return .success(try session(id, list: list).badLines(from: from, count: count))
        } catch {
            return .failure(.upload(error))
        }
    }
}

// MARK: - Committing

extension UploadDesk {
    package typealias CommitDone = @Sendable (Result<UploadOutcome, ControlError>) -> Void

    /// Judges the whole upload and, when it is good, adds its codes to the list.
    ///
    /// - Parameter done: called on some thread; a loaded upload is durable by then, and every loop has it.
    package func commit(_ order: CommitOrder, done: @escaping CommitDone) {
        enqueue { [self] in
            carryOut(order) { [self] result in
                // Done before the next begins: its look for duplicates must see this one's codes.
                commitNext()
                done(result)
            }
        }
    }

    /// Has something done that changes the codes of a list, when what came before is done.
    ///
    /// - Parameter commit: calls ``commitNext()`` at its end.
    func enqueue(_ commit: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            state.commits.append(commit)
            defer { state.isCommitting = true }
            return !state.isCommitting
        }
        if isFirst { commitNext() }
    }

    /// Runs `body` while no upload is being committed: a blob is written a moment before the catalog names
    /// it.
    ///
    /// - Returns: false when a commit is under way; `body` was not run.
    func withoutCommits(_ body: () throws(StorageError) -> Void) throws(StorageError) -> Bool {
        let isFree = state.withLock { state in
            defer { state.isCommitting = true }
            return !state.isCommitting
        }
        guard isFree else { return false }
        // Commits that came meanwhile have queued up.
        defer { commitNext() }
        try body()
        return true
    }

    func commitNext() {
        let next = state.withLock { state -> (@Sendable () -> Void)? in
            if state.commits.isEmpty {
                state.isCommitting = false
                return nil
            }
            return state.commits.removeFirst()
        }
        next?()
    }

    /// Judges on a catalog that every loop has: one that still gave codes of an upload that was withdrawn would
    /// give such a code once more.
    private func carryOut(_ order: CommitOrder, done: @escaping CommitDone) {
        port.execute { [self] control in
            control.withSettledCatalog { [self] result in
                switch result {
                case .success(let catalog):
                    engine.host.background { [self] in carryOut(order, of: catalog, done: done) }
                case .failure(let error):
                    end(order.id)
                    done(.failure(error))
                }
            }
        }
    }

    private func carryOut(_ order: CommitOrder, of catalog: Catalog, done: @escaping CommitDone) {
        do {
            let session = try session(order.id, list: order.list)
            let list = try catalog.checkUpload(to: order.list, replaces: order.replaces)
            if session.isImport { return try takeOver(order, of: session, list: list, in: catalog, done: done) }
            let fileHash = try session.close()
            let active = list.activeUploads
            if let same = active.first(where: { $0.fileHash == fileHash }),
                !order.replaces || active.count == 1
            {
                end(order.id)
                let status = UploadOutcome.Status.unchanged(order.dryRun ? nil : same.id)
                return done(.success(order.outcome(status, session.counts)))
            }
            let supply = try EarlierCodes(
                of: list, in: catalog, replaces: order.replaces, blobs: blobs, seed: seed)
            let run = try session.finish(
                skipBad: order.skipBad, replaces: order.replaces, earlier: supply.place(of:))
            guard let run else { return done(.success(order.outcome(.refused, session.counts))) }
            if order.dryRun {
                endUnlessAsked(order.id, session.counts)
                let withdrawn = list.pool.totalFree
                return done(.success(order.outcome(.loaded(nil), session.counts, withdrawn: withdrawn)))
            }
            let upload = JudgedUpload(order: order, list: list.id, session: session, fileHash: fileHash, run: run)
            if order.replaces {
                try replace(supply.uploads, by: upload, done: done)
            } else {
                try add(upload) { [self] addition, result in done(outcome(of: addition, result)) }
            }
        } catch let error as UploadError {
            end(order.id)
            done(.failure(.upload(error)))
        } catch let error as CatalogError {
            end(order.id)
            done(.failure(.catalog(error)))
        } catch let error as StorageError {
            end(order.id)
            done(.failure(.storage(error)))
        } catch let error as RecoveryError {
            end(order.id)
            done(.failure(.unreadableCodes(error)))
        } catch {
            preconditionFailure("an upload ended with \(type(of: error))")
        }
    }

    /// Bad lines that were left out can still be asked for, until the connection ends.
    func endUnlessAsked(_ id: UInt64, _ counts: UploadCounts) {
        if counts.leftOut.bad == 0 { end(id) }
    }

    /// Adds the codes of an upload to its list.
    ///
    /// - Parameter done: called on the control loop, with the result of the change.
    func add(
        _ upload: JudgedUpload, done: @escaping @Sendable (Addition, Result<Void, ControlError>) -> Void
    ) throws(StorageError) {
        let blob = try write(upload.run)
        port.execute { control in
            let addition = Addition(upload, blob: blob)
            control.submit(
                ControlJob(
                    work: .change(by: upload.order.origin) { catalog, now throws(CatalogError) in
                        try addition.decide(catalog, now)
                    },
                    done: { result in done(addition, result.map { _ in }) }))
        }
    }

    func write(_ run: CodeRun) throws(StorageError) -> BlobID {
        let writer = try blobs.makeWriter()
        var piece: [UInt8] = []
        for strip in run.strips.indices {
            // Leaves the log what room there is.
            if engine.isDiskFull {
                writer.abandon()
                throw .outOfSpace(.write, file: "blobs")
            }
            run.appendBlob(ofStrip: strip, to: &piece)
            try writer.append(piece.span)
            piece.removeAll(keepingCapacity: true)
        }
        return try writer.finish()
    }

    /// - Parameter result: of the change that was to add it.
    func outcome(
        of addition: Addition, _ result: Result<Void, ControlError>
    ) -> Result<UploadOutcome, ControlError> {
        let (order, counts) = (addition.upload.order, addition.upload.session.counts)
        endUnlessAsked(order.id, counts)
        return result.map { order.outcome(.loaded(addition.id), counts, withdrawn: addition.withdrawn) }
    }
}
