import Synchronization
package import TearoffCore
package import TearoffLog

/// The audit trail of a running engine, as far as it is durable. The control plane adds to it, snapshots move it into
/// chunks, and it is read in the background.
package final class AuditDesk: Sendable {
    /// Each time the records in memory pass a multiple of this a snapshot is asked for, which moves them into chunks.
    static let recordsPerSnapshot = 4 * AuditChunk.recordsMaximum

    private struct State {
        var trail: AuditTrail
        var isChecking = false
    }

    private let engine: Engine
    private let blobs: any BlobStore
    private let makeHasher: @Sendable () -> any ContentHasher
    private let state: Mutex<State>

    init(
        engine: Engine, blobs: any BlobStore, makeHasher: @escaping @Sendable () -> any ContentHasher,
        trail: AuditTrail
    ) {
        self.engine = engine
        self.blobs = blobs
        self.makeHasher = makeHasher
        state = Mutex(State(trail: trail))
    }

    package var trail: AuditTrail { state.withLock { $0.trail } }
}

/// A record, and its own hash.
package struct AuditEntry: Equatable, Sendable {
    package let record: AuditRecord
    package let hash: ContentHash
}

/// What a walk along the whole chain found.
package struct AuditVerdict: Equatable, Sendable {
    package let recordCount: UInt64
    /// Of the last record; whoever kept an earlier one elsewhere finds it again as that record's hash.
    package let hash: ContentHash
    /// Nil: the chain is whole.
    package let fault: AuditFault?
}

// MARK: - Growing

extension AuditDesk {
    /// The records that these acts come to, behind all that there are. They are not in the trail before
    /// ``append(_:)``; only one caller may be between the two.
    func records(of acts: [Act], by origin: Origin, at: Timestamp) -> [AuditRecord] {
        var link = trail.end
        return acts.map { act in
            let record = link.record(of: act, by: origin, at: at)
            let follows = link.advance(to: record, makeHasher())
            precondition(follows, "audit record \(record.number) does not follow on its own link")
            return record
        }
    }

    /// Takes in what has become durable. - Returns: whether a snapshot is due.
    func append(_ records: [AuditRecord]) -> Bool {
        state.withLock { state in
            let before = state.trail.tail.count / Self.recordsPerSnapshot
            for record in records {
                let follows = state.trail.append(record, makeHasher())
                precondition(follows, "audit record \(record.number) was made on another trail")
            }
            return state.trail.tail.count / Self.recordsPerSnapshot > before
        }
    }

    /// What a snapshot says stands in chunks need not be in memory any more.
    func move(into chunks: [BlobID]) {
        state.withLock { $0.trail.move(into: chunks.dropFirst($0.trail.chunks.count)) }
    }
}

// MARK: - Reading

extension AuditDesk {
    /// Reads records in the background, by their numbers.
    ///
    /// - Parameters:
    ///   - from: begins there; nil: the newest.
    ///   - count: most to read; what a client asks for, so bounded before.
    ///   - done: called on some thread.
    package func read(
        from: UInt64?, count: Int, done: @escaping @Sendable (Result<[AuditEntry], ControlError>) -> Void
    ) {
        engine.host.background { [self] in
            let trail = trail
            let newest = trail.end.number - min(trail.end.number, UInt64(count)) + 1
            do throws(StorageError) {
                let records = try records(of: trail, from: max(1, from ?? newest), count: count)
                done(.success(records.map { AuditEntry(record: $0, hash: $0.hash(by: makeHasher())) }))
            } catch {
                done(.failure(.storage(error)))
            }
        }
    }

    private func records(
        of trail: AuditTrail, from first: UInt64, count: Int
    ) throws(StorageError) -> [AuditRecord] {
        var records: [AuditRecord] = []
        var next = first
        while records.count < count, next <= trail.end.number {
            records += try stretch(of: trail, from: next).prefix(count - records.count)
            next = first + UInt64(records.count)
        }
        return records
    }

    /// The records from that one on, as far as its chunk goes, or to the end.
    private func stretch(of trail: AuditTrail, from next: UInt64) throws(StorageError) -> ArraySlice<
        AuditRecord
    > {
        let index = Int(next - 1)
        guard next <= trail.chunkedCount else { return trail.tail.dropFirst(index - Int(trail.chunkedCount)) }
        let chunk = trail.chunks[index / AuditChunk.recordsMaximum]
        return try AuditChunk.read(chunk, from: blobs).dropFirst(index % AuditChunk.recordsMaximum)
    }

    /// Follows the whole chain in the background, one walk at a time.
    ///
    /// - Parameter done: called on some thread.
    package func check(done: @escaping @Sendable (Result<AuditVerdict, ControlError>) -> Void) {
        let isFree = state.withLock { state in
            defer { state.isChecking = true }
            return !state.isChecking
        }
        guard isFree else { return done(.failure(.busy)) }
        engine.host.background { [self] in
            let trail = trail
            var fault: AuditFault?
            do throws(AuditFault) {
                try trail.check(blobs, makeHasher)
            } catch {
                fault = error
            }
            state.withLock { $0.isChecking = false }
            done(.success(AuditVerdict(recordCount: trail.end.number, hash: trail.end.hash, fault: fault)))
        }
    }
}
