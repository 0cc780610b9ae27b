import TearoffCore
import TearoffEngine
import TearoffLog
package import TearoffStorage

/// Reads a data directory through, part by part, and then as a start of the server would.
package struct Verifier {
    private let directory: ReadOnlyDirectory
    private let progress: @Sendable (VerificationProgress) -> Void
    private var parts: [Verification.Part] = []
    private var tails: [Verification.Tail] = []
    private var damage: [RecoveryError] = []
    private var foreignFiles: [String] = []

    /// - Parameter directory: opened so that no server has it meanwhile.
    package init(_ directory: ReadOnlyDirectory, progress: @escaping @Sendable (VerificationProgress) -> Void) {
        self.directory = directory
        self.progress = progress
    }

    /// Changes nothing on disk. Takes the memory that a start would take, and reads what a start reads twice.
    package consuming func run() -> Verification {
        parts.append(
            .init(name: "identity", files: 1, byteCount: directory.identityByteCount, isWhole: true))
        let snapshots = checkSnapshots()
        checkBlobs()
        checkLog(snapshots)
        let start = recover()
        return Verification(
            parts: parts, tails: tails, foreignFiles: foreignFiles, leftovers: directory.leftovers,
            start: start, damage: damage)
    }

    /// The same place is met by several parts of the check, in other words each; the first ones count.
    private mutating func note(_ problem: RecoveryError) {
        let isKnown = damage.contains {
            $0.file == problem.file && $0.offset == problem.offset && $0.frame == problem.frame
        }
        if !isKnown { damage.append(problem) }
    }

    private mutating func checkSnapshots() -> [SnapshotSurvey] {
        var part = Verification.Part(name: "snapshots", files: 0, byteCount: 0, isWhole: true)
        var found: [SnapshotSurvey] = []
        do throws(RecoveryError) {
            found = try SnapshotSurvey.all(in: directory, checksBlobs: false)
            for snapshot in found {
                part.files += 1
                part.byteCount += snapshot.manifestByteCount
                guard let problem = snapshot.problem else { continue }
                part.isWhole = false
                note(problem)
            }
        } catch {
            part.isWhole = false
            note(error)
        }
        parts.append(part)
        return found
    }

    private mutating func checkBlobs() {
        var part = Verification.Part(name: "blobs", files: 0, byteCount: 0, isWhole: true)
        let blobs = directory.blobs
        do throws(StorageError) {
            let all = try blobs.all().sorted { $0.description < $1.description }
            var total: UInt64 = 0
            for blob in all { total += try blobs.byteCount(blob) }
            var check = BlobCheck(blobs)
            for blob in all {
                switch check.look(at: blob, .content) {
                case .success(let size): part.byteCount += size
                case .failure(let problem):
                    part.isWhole = false
                    note(problem)
                }
                part.files += 1
                progress(.init(stage: .blobs, done: part.byteCount, total: total))
            }
        } catch {
            part.isWhole = false
            note(.unreadable(error))
        }
        parts.append(part)
    }

    private mutating func recover() -> Verification.Start {
        let progress = progress
        let source = RecoverySource(
            directory: directory.identity.id, shardCount: directory.identity.shardCount, log: directory.log,
            blobs: directory.blobs, makeHasher: { SHA256Hasher() }, seed: .random(in: 0...UInt64.max),
            progress: { step in
                // A snapshot's steps are chunks, and no bytes.
                guard step.stage != .snapshot else { return }
                progress(.init(stage: .recovery, done: step.done, total: step.total))
            })
        do throws(RecoveryError) {
            return .serves(Verification.State(try Recovery.read(source)))
        } catch {
            note(error)
            return .refused(error)
        }
    }
}

// MARK: - The log

extension Verifier {
    private mutating func checkLog(_ snapshots: [SnapshotSurvey]) {
        do throws(RecoveryError) {
            let log = directory.log
            let catalog = try LaneCatalog(of: log, directoryID: directory.identity.id)
            // Those of files under way are told as leftovers.
            foreignFiles = catalog.foreignNames.filter { !directory.leftovers.contains("wal/\($0)") }
            let total = catalog.lanes.reduce(UInt64(0)) { $0 + catalog.byteCount(of: $1, from: .start) }
            var walk = LogWalk(catalog, directory, snapshots: snapshots.compactMap(\.contents))
            for lane in catalog.lanes {
                var part = Verification.Part(
                    name: "lane \(lane)", files: catalog.segments(of: lane).count,
                    byteCount: catalog.byteCount(of: lane, from: .start), frames: 0, records: 0, isWhole: true
                )
                do throws(RecoveryError) {
                    let end = try walk.read(lane) { walked in
                        part.frames = walked.frames
                        part.records = walked.records
                        progress(
                            .init(
                                stage: .log, done: walked.bytesRead, total: total,
                                records: walked.recordsOfAll))
                    }
                    for tail in end?.tornTails ?? [] {
                        tails.append(.init(tail: tail, byteCount: try walk.byteCount(of: tail)))
                    }
                } catch {
                    part.isWhole = false
                    note(error)
                }
                parts.append(part)
            }
        } catch {
            note(error)
        }
    }
}

extension Verification.State {
    fileprivate init(_ state: RecoveredState) {
        lists = state.presentLedgers
        var (setsAside, gaps): ([UInt64], UInt64) = ([], 0)
        for notice in state.notices {
            switch notice {
            case .snapshotUnusable(let number, _): setsAside.append(number)
            case .sequenceGaps(let count): gaps = count
            // Told of the whole log, not only of what the start reads.
            case .tornTail, .foreignFile: break
            }
        }
        (self.setsAside, self.gaps) = (setsAside, gaps)
    }
}
