import TearoffCore
import TearoffLog

/// Where the audit trail's chain is broken.
package struct AuditFault: Error, Equatable, Sendable {
    /// The first record that cannot be read, or does not follow on the one before.
    package let number: UInt64
    package let problem: String
}

extension AuditTrail {
    /// Follows the whole chain from its first record on, through the chunks as they are on disk.
    ///
    /// - Complexity: O(records); in memory one chunk.
    func check(_ blobs: any BlobStore, _ makeHasher: () -> any ContentHasher) throws(AuditFault) {
        var link = AuditLink.start
        for chunk in chunks {
            let records = try Self.records(of: chunk, behind: link, blobs)
            try link.follow(records, makeHasher)
        }
        try link.follow(tail, makeHasher)
        guard link == end else {
            throw AuditFault(number: link.number, problem: "the last record is not the one that was noted")
        }
    }

    private static func records(
        of chunk: BlobID, behind link: AuditLink, _ blobs: any BlobStore
    ) throws(AuditFault) -> [AuditRecord] {
        do throws(StorageError) {
            return try AuditChunk.read(chunk, from: blobs)
        } catch {
            throw AuditFault(number: link.number + 1, problem: "\(error)")
        }
    }
}

extension AuditLink {
    fileprivate mutating func follow(
        _ records: [AuditRecord], _ makeHasher: () -> any ContentHasher
    ) throws(AuditFault) {
        for record in records where !advance(to: record, makeHasher()) {
            throw AuditFault(number: number + 1, problem: "the record does not follow on the one before")
        }
    }
}
