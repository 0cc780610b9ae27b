import TearoffLog

/// Looks at blobs, and remembers what it found: most are named by several snapshots.
struct BlobCheck {
    enum Depth {
        /// Whether there is a file of that name.
        case presence
        /// Whether its bytes have the hash that is its name.
        case content
    }

    private let blobs: any BlobStore
    private var known: [BlobID: Result<UInt64, RecoveryError>] = [:]
    private var piece: [UInt8] = []

    init(_ blobs: any BlobStore) {
        self.blobs = blobs
    }

    /// - Returns: the blob's bytes, or what is wrong with it.
    mutating func look(at blob: BlobID, _ depth: Depth) -> Result<UInt64, RecoveryError> {
        if let known = known[blob] { return known }
        let found: Result<UInt64, RecoveryError>
        do throws(StorageError) {
            found = .success(depth == .content ? try readThrough(blob) : try blobs.byteCount(blob))
        } catch {
            found = .failure(Self.problem(error))
        }
        known[blob] = found
        return found
    }

    private mutating func readThrough(_ blob: BlobID) throws(StorageError) -> UInt64 {
        let reader = try blobs.open(blob)
        // The empty read at the end compares the hash.
        repeat { try reader.read(upTo: LogLimits.readWindowBytes, into: &piece) } while !piece.isEmpty
        return reader.byteCount
    }

    private static func problem(_ error: StorageError) -> RecoveryError {
        let file = error.file
        switch error.problem {
        case .missing: return RecoveryError(.missing, file: file, problem: "this blob is missing")
        case .damaged, .truncated, .unknownDataKey:
            return RecoveryError(.damaged, file: file, problem: "\(error.problem)")
        case .system, .nothingWritten, .poisoned, .inUse, .altered, .notEncrypted: return .unreadable(error)
        }
    }
}
