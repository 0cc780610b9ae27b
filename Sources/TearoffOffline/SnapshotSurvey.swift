package import TearoffCore
import TearoffEngine
package import TearoffLog
package import TearoffStorage

/// A snapshot as its directory has it.
package struct SnapshotSurvey: Sendable {
    package let number: UInt64
    /// Relative to the data directory.
    package let file: String
    /// 0 when the system cannot read it.
    package let manifestByteCount: UInt64
    package let state: State

    package enum State: Sendable {
        case whole(Contents)
        /// A start could not use it.
        case damaged(Contents?, problem: RecoveryError)
    }

    /// What a manifest says.
    package struct Contents: Sendable {
        package let at: Timestamp
        package let revision: UInt64
        package let lists: Int
        package let campaigns: Int
        package let rows: UInt64
        package let holds: UInt64
        package let blobs: Int
        /// The manifest and all blobs that are there.
        package let byteCount: UInt64
        package let blobsMissing: Int
        package let lanes: [Manifest.LaneStart]
    }

    package var contents: Contents? {
        switch state {
        case .whole(let contents): contents
        case .damaged(let contents, _): contents
        }
    }

    package var problem: RecoveryError? {
        if case .damaged(_, let problem) = state { problem } else { nil }
    }
}

extension SnapshotSurvey {
    /// All snapshots of a directory, oldest first. Those that were set aside are not among them.
    ///
    /// - Parameter checksBlobs: whether each blob is read and its hash compared; else only whether it is there.
    /// - Throws: when the directory of snapshots cannot be listed.
    package static func all(
        in directory: ReadOnlyDirectory, checksBlobs: Bool
    ) throws(RecoveryError) -> [SnapshotSurvey] {
        var check = BlobCheck(directory.blobs)
        do throws(StorageError) {
            let numbers = try directory.blobs.listNamed().compactMap(SnapshotDesk.number(of:)).sorted()
            return numbers.map { survey($0, in: directory, checksBlobs ? .content : .presence, &check) }
        } catch {
            throw .unreadable(error)
        }
    }

    private static func survey(
        _ number: UInt64, in directory: ReadOnlyDirectory, _ depth: BlobCheck.Depth, _ check: inout BlobCheck
    ) -> SnapshotSurvey {
        let name = SnapshotDesk.name(of: number)
        let file = "snapshots/\(name)"
        var bytes: [UInt8] = []
        let manifest: Manifest
        do {
            bytes = try directory.blobs.readNamed(name)
            manifest = try Manifest(decoding: bytes.span, directory: directory.identity.id)
        } catch {
            let problem = RecoveryError(
                .damaged, file: file, problem: "it cannot be read: \(error)", advice: Self.advice)
            return SnapshotSurvey(
                number: number, file: file, manifestByteCount: UInt64(bytes.count),
                state: .damaged(nil, problem: problem))
        }
        var found: (bytes: UInt64, missing: Int, problem: RecoveryError?) = (UInt64(bytes.count), 0, nil)
        for blob in manifest.blobs.sorted(by: { $0.description < $1.description }) {
            switch check.look(at: blob, depth) {
            case .success(let size): found.bytes += size
            case .failure(let problem):
                if problem.kind == .missing { found.missing += 1 }
                found.problem = found.problem ?? problem
            }
        }
        let contents = Contents(manifest, byteCount: found.bytes, blobsMissing: found.missing)
        return SnapshotSurvey(
            number: number, file: file, manifestByteCount: UInt64(bytes.count),
            state: found.problem.map { .damaged(contents, problem: $0) } ?? .whole(contents))
    }

    private static let advice =
        "A start uses an older snapshot and the log instead, when these reach back far enough."
}

extension SnapshotSurvey.Contents {
    fileprivate init(_ manifest: Manifest, byteCount: UInt64, blobsMissing: Int) {
        at = manifest.at
        revision = manifest.revision
        lists = manifest.catalog.records.count { if case .listCreated = $0.change { true } else { false } }
        campaigns = manifest.catalog.records.count {
            if case .campaignCreated = $0.change { true } else { false }
        }
        rows = manifest.shards.reduce(0) { $0 + $1.rowCount }
        holds = manifest.shards.reduce(0) { $0 + $1.holdCount }
        blobs = manifest.blobs.count
        self.byteCount = byteCount
        self.blobsMissing = blobsMissing
        lanes = manifest.lanes
    }
}
