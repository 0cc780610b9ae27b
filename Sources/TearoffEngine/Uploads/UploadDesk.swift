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

    private let engine: Engine
    private let blobs: any BlobStore
    private let port: ControlPort
    private let makeHasher: @Sendable () -> any ContentHasher
    private let seed: UInt64
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

/// Why an upload cannot go on.
package enum UploadError: Error, Equatable, Sendable {
    /// There is no upload of that number for that list: it was ended, or its connection was closed.
    case noUpload(UInt64)
    case tooManyUploads(maximum: Int)
    case tooManyBadLines(line: UInt64)
    case tooManyCodes(line: UInt64)
    /// The upload was committed or tried in a dry run before, or is being.
    case closed(UInt64)

    init(_ failure: UploadReader.Failure) {
        switch failure {
        case .tooManyBadLines(let line): self = .tooManyBadLines(line: line)
        case .tooManyCodes(let line): self = .tooManyCodes(line: line)
        }
    }
}

/// What a commit came to.
package struct UploadOutcome: Sendable {
    package enum Status: Equatable, Sendable {
        /// The codes are in the list, under that upload; nil: a dry run, they could be.
        case loaded(UploadID?)
        /// The same file was uploaded before: nothing changed. nil: a dry run.
        case unchanged(UploadID?)
        /// There are bad lines, or no code at all; nothing of the file is kept.
        case refused
    }

    package let status: Status
    package let counts: UploadCounts
}

// MARK: - Sessions

extension UploadDesk {
    /// - Returns: the number of the upload, by which its chunks come.
    package func begin(list: String, fileName: String) -> Result<UInt64, ControlError> {
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
                list: list, fileName: fileName, hasher: makeHasher(), seed: seed)
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

    private func end(_ id: UInt64) {
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
    /// Judges the whole upload and, when it is good, adds its codes to the list.
    ///
    /// - Parameters:
    ///   - origin: who adds them, for the audit trail.
    ///   - dryRun: judges only. It waits for the commits before it, too, so that it tells what this one would
    ///     have come to; the upload is over then, as after a commit.
    ///   - done: called on some thread; a loaded upload is durable by then, and every loop has it.
    package func commit(
        _ id: UInt64, list: String, skipBad: Bool, dryRun: Bool, by origin: Origin,
        done: @escaping @Sendable (Result<UploadOutcome, ControlError>) -> Void
    ) {
        let isFirst = state.withLock { state in
            state.commits.append { [self] in
                carryOut(id, list: list, skipBad: skipBad, dryRun: dryRun, by: origin) { [self] result in
                    // Done before the next begins: its look for duplicates must see this one's codes.
                    commitNext()
                    done(result)
                }
            }
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

    private func commitNext() {
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
    private func carryOut(
        _ id: UInt64, list: String, skipBad: Bool, dryRun: Bool, by origin: Origin,
        done: @escaping @Sendable (Result<UploadOutcome, ControlError>) -> Void
    ) {
        port.execute { [self] control in
            control.withSettledCatalog { [self] result in
                switch result {
                case .success(let catalog):
                    engine.host.background { [self] in
                        carryOut(
                            id, list: list, of: catalog, skipBad: skipBad, dryRun: dryRun, by: origin, done: done)
                    }
                case .failure(let error):
                    end(id)
                    done(.failure(error))
                }
            }
        }
    }

    private func carryOut(
        _ id: UInt64, list name: String, of catalog: Catalog, skipBad: Bool, dryRun: Bool, by origin: Origin,
        done: @escaping @Sendable (Result<UploadOutcome, ControlError>) -> Void
    ) {
        do {
            let session = try session(id, list: name)
            let list = try catalog.checkUpload(to: name)
            let fileHash = try session.close()
            if let same = list.uploads.first(where: { $0.fileHash == fileHash && $0.withdrawnAt == nil }) {
                end(id)
                let status = UploadOutcome.Status.unchanged(dryRun ? nil : same.id)
                return done(.success(UploadOutcome(status: status, counts: session.counts)))
            }
            let earlier = list.uploads.map { catalog[$0.id] }
            let run = try session.finish(skipBad: skipBad) { code in earlier.contains { $0.has(code) } }
            guard let run else {
                return done(.success(UploadOutcome(status: .refused, counts: session.counts)))
            }
            if dryRun {
                endUnlessAsked(id, session.counts)
                return done(.success(UploadOutcome(status: .loaded(nil), counts: session.counts)))
            }
            let blob = try write(run)
            add(run, blob: blob, fileHash: fileHash, session: session, id: id, by: origin, done: done)
        } catch let error as UploadError {
            end(id)
            done(.failure(.upload(error)))
        } catch let error as CatalogError {
            end(id)
            done(.failure(.catalog(error)))
        } catch let error as StorageError {
            end(id)
            done(.failure(.storage(error)))
        } catch {
            preconditionFailure("an upload ended with \(type(of: error))")
        }
    }

    /// Bad lines that were left out can still be asked for, until the connection ends.
    private func endUnlessAsked(_ id: UInt64, _ counts: UploadCounts) {
        if counts.bad == 0 { end(id) }
    }

    private func write(_ run: CodeRun) throws(StorageError) -> BlobID {
        let writer = try blobs.makeWriter()
        var piece: [UInt8] = []
        for strip in run.strips.indices {
            run.appendBlob(ofStrip: strip, to: &piece)
            try writer.append(piece.span)
            piece.removeAll(keepingCapacity: true)
        }
        return try writer.finish()
    }

    private func add(
        _ run: CodeRun, blob: BlobID, fileHash: ContentHash, session: UploadSession, id: UInt64,
        by origin: Origin, done: @escaping @Sendable (Result<UploadOutcome, ControlError>) -> Void
    ) {
        let counts = session.counts
        let (name, fileName) = (session.list, session.fileName)
        port.execute { [self] control in
            let uploadID = AssignedID()
            control.submit(
                ControlJob(
                    work: .change(by: origin) { catalog, now throws(CatalogError) in
                        let list = try catalog.checkUpload(to: name)
                        let id = catalog.nextUploadID
                        uploadID.value = id
                        let committed = ControlRecord.Change.uploadCommitted(
                            id: id, list: list.id, count: UInt64(run.count), blob: blob, fileHash: fileHash,
                            fileName: fileName)
                        return Proposal(
                            records: [ControlRecord(committed, at: now)], codes: run.assigned(to: id))
                    },
                    done: { [self] result in
                        endUnlessAsked(id, counts)
                        done(
                            result.map { _ in
                                UploadOutcome(status: .loaded(uploadID.value), counts: counts)
                            })
                    }))
        }
    }
}

/// Carries the id from the decision to the reply, both on the control loop.
private final class AssignedID {
    var value = UploadID(rawValue: 0)
}
