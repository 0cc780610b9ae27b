import TearoffCore
import TearoffLog

/// Carries what the decision found to the reply, both on the control loop.
final class Addition {
    let upload: JudgedUpload
    private let blob: BlobID
    /// The upload's, once it is decided.
    private(set) var id = UploadID(rawValue: 0)
    /// Free codes of the uploads that it replaces.
    private(set) var withdrawn: UInt64 = 0

    init(_ upload: JudgedUpload, blob: BlobID) {
        self.upload = upload
        self.blob = blob
    }

    func decide(_ catalog: Catalog, _ now: Timestamp) throws(CatalogError) -> Proposal {
        let order = upload.order
        let list = try catalog.checkUpload(to: order.list, replaces: order.replaces)
        // Another list may have the name by now, with codes that nobody compared with those of the file.
        guard list.id == upload.list else { throw .noList(order.list) }
        id = catalog.nextUploadID
        var changes: [ControlRecord.Change] = []
        if order.replaces {
            withdrawn = list.pool.totalFree
            changes = list.activeUploads.map { .uploadWithdrawn(id: $0.id) }
        }
        changes.append(
            .uploadCommitted(
                CommittedUpload(
                    id: id, list: list.id, count: UInt64(upload.run.count), blob: blob,
                    fileHash: upload.fileHash, fileName: upload.session.fileName,
                    report: UploadReport(origin: order.origin, lines: upload.session.counts.leftOut),
                    isImport: upload.session.isImport)))
        return Proposal(
            records: changes.map { ControlRecord($0, at: now) }, codes: upload.run.assigned(to: id))
    }
}
