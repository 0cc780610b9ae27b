import TearoffCore
package import TearoffLog

/// Reads a data directory back: the newest usable snapshot, then the log since, lanes merged by (shard,
/// sequence).
///
/// Running it twice gives the same state.
package enum Recovery {
    /// Reads back for a life that is about to begin: snapshots that turned out unusable are set aside, so that they
    /// are in nobody's way.
    ///
    /// - Throws: ``RecoveryError`` when anything acknowledged is damaged, missing or contradicts itself.
    package static func run(_ source: RecoverySource) throws(RecoveryError) -> RecoveredState {
        let state = try read(source)
        for case .snapshotUnusable(let number, _) in state.notices {
            do throws(StorageError) {
                try source.blobs.setAside(SnapshotDesk.name(of: number))
            } catch {
                throw RecoveryError(.unreadable, error)
            }
        }
        return state
    }

    /// The same, and changes nothing on disk.
    ///
    /// - Throws: as ``run(_:)``.
    package static func read(_ source: RecoverySource) throws(RecoveryError) -> RecoveredState {
        let snapshots = try SnapshotShelf(source)
        let segments = try LaneCatalog(of: source.log, directoryID: source.directory)
        var notices = segments.foreignNames.map { RecoveryNotice.foreignFile($0) }
        for candidate in snapshots.newestFirst {
            do throws(SnapshotFault) {
                let manifest = try snapshots.manifest(candidate)
                return try Self.recover(manifest, segments, source, newest: snapshots.newest, notices)
            } catch {
                switch error {
                case .unusable(let problem):
                    notices.append(.snapshotUnusable(number: candidate, problem: problem))
                case .refused(let error): throw error
                }
            }
        }
        // A restored directory begins with a snapshot and no log: without the one there is nothing.
        if snapshots.newest > 0, segments.segments(of: .control).isEmpty {
            let file = "snapshots/\(SnapshotDesk.name(of: snapshots.newest))"
            throw RecoveryError(.damaged, file: file, problem: "there is no log, and no snapshot can be used")
                .behind(notices)
        }
        // Without any usable snapshot the log alone must reach back to the beginning; its reader sees to
        // that.
        do throws(SnapshotFault) {
            return try Self.recover(nil, segments, source, newest: snapshots.newest, notices)
        } catch {
            switch error {
            case .unusable(let problem): preconditionFailure("no snapshot is unusable: \(problem)")
            case .refused(let error): throw error.behind(notices)
            }
        }
    }

    /// Reads back what one snapshot says, and nothing else; changes nothing on disk.
    ///
    /// - Parameter source: whatever log it has is not looked at.
    /// - Throws: as ``run(_:)``, also when the snapshot cannot be used.
    package static func read(
        _ manifest: Manifest, from source: RecoverySource
    ) throws(RecoveryError) -> RecoveredState {
        do throws(SnapshotFault) {
            return try recover(
                manifest.withoutLog, .none(of: source.directory), source, newest: manifest.number, [])
        } catch {
            switch error {
            case .refused(let error): throw error
            case .unusable(let problem):
                throw RecoveryError(.damaged, file: SnapshotDesk.name(of: manifest.number), problem: problem)
            }
        }
    }

    /// Recovers with all workers. A refusal is looked for once more in order, frame by frame: which of several faults is
    /// met first depends on the threads, and an operator is to read the same of the same directory each time, and where.
    private static func recover(
        _ manifest: Manifest?, _ segments: LaneCatalog, _ source: RecoverySource, newest: UInt64,
        _ notices: [RecoveryNotice]
    ) throws(SnapshotFault) -> RecoveredState {
        do throws(SnapshotFault) {
            return try attempt(manifest, segments, source, newest: newest, notices)
        } catch {
            _ = try attempt(manifest, segments, source.inOrder, newest: newest, notices)
            // Refused once is refused, also when the second reading met nothing.
            throw error
        }
    }

    private static func attempt(
        _ manifest: Manifest?, _ segments: LaneCatalog, _ source: RecoverySource, newest: UInt64,
        _ notices: [RecoveryNotice]
    ) throws(SnapshotFault) -> RecoveredState {
        var recovering = RecoveringState(source, manifest: manifest, notices: notices)
        try recovering.readSnapshotCatalog()
        try recovering.readSnapshotTrail()
        do throws(RecoveryError) {
            try recovering.readControlLane(segments)
            // An upload's blob that is damaged is so for every snapshot.
            try recovering.readCodes()
        } catch {
            throw .refused(error)
        }
        try recovering.readHistory()
        do throws(RecoveryError) {
            try recovering.readDataLanes(segments)
            return try recovering.finish(newestSnapshot: newest)
        } catch {
            throw .refused(recovering.explained(error))
        }
    }
}

/// Why a recovery from one snapshot ended.
enum SnapshotFault: Error {
    /// This snapshot cannot be read; an older one may do.
    case unusable(String)
    case refused(RecoveryError)
}

/// The snapshots that a directory has.
struct SnapshotShelf {
    private let source: RecoverySource
    private let numbers: [UInt64]

    init(_ source: RecoverySource) throws(RecoveryError) {
        self.source = source
        do throws(StorageError) {
            numbers = try source.blobs.listNamed().compactMap(SnapshotDesk.number(of:)).sorted()
        } catch {
            throw RecoveryError(.unreadable, error)
        }
    }

    var newest: UInt64 { numbers.last ?? 0 }
    var newestFirst: [UInt64] { numbers.reversed() }

    func manifest(_ number: UInt64) throws(SnapshotFault) -> Manifest {
        do {
            let bytes = try source.blobs.readNamed(SnapshotDesk.name(of: number))
            return try Manifest(decoding: bytes.span, directory: source.directory)
        } catch {
            throw .unusable("\(error)")
        }
    }
}

extension RecoveryError {
    /// The same, with why no snapshot could stand in for what is missing.
    fileprivate func behind(_ notices: [RecoveryNotice]) -> RecoveryError {
        let problems = notices.compactMap { notice in
            if case .snapshotUnusable(let number, let problem) = notice {
                "; snapshot \(number) cannot be used: \(problem)"
            } else {
                nil
            }
        }
        return adding(problems.joined())
    }

    /// The same, and more about what is wrong.
    func adding(_ words: String) -> RecoveryError {
        RecoveryError(kind, file: file, offset: offset, frame: frame, problem: problem + words, advice: advice)
    }

    init(_ kind: Kind, _ error: StorageError) {
        self.init(kind, file: error.file, offset: error.offset, problem: "\(error)")
    }
}
