import TearoffCore
import TearoffLog

/// Where the codes of a file may stand already, to be asked while nothing else is committed.
struct EarlierCodes {
    /// Of the list, oldest first.
    let uploads: [Upload]
    private let replaces: Bool
    /// Empty when the list allows codes that stand in others.
    private let othersUploads: [Upload]

    /// Reads the codes of other lists that are archived back into memory, for as long as the file is judged.
    ///
    /// - Parameters:
    ///   - replaces: whether the file takes the place of all earlier ones: then a code that is free in one of them does
    ///     not count.
    ///   - seed: of the index over what is read back.
    init(
        of list: List, in catalog: Catalog, replaces: Bool, blobs: any BlobStore, seed: UInt64
    ) throws(RecoveryError) {
        uploads = list.uploads.map { catalog[$0.id] }
        self.replaces = replaces
        var others: [Upload] = []
        if list.settings.refusesCodesOfOthers {
            for other in catalog.presentLists where other.kind == .unique && other.id != list.id {
                let away = other.isArchived
                let codes =
                    away
                    ? try StoredCodes.read(other, from: blobs, seed: seed, workers: .one, progress: { _ in }) : [:]
                others += other.uploads.map { receipt in
                    let upload = catalog[receipt.id]
                    return away ? upload.exchangingText(codes[receipt.id]) : upload
                }
            }
        }
        othersUploads = others
    }

    /// - Complexity: O(uploads), some 0.1 µs each.
    func place(of code: Span<UInt8>) -> EarlierCode? {
        if uploads.contains(where: { replaces ? $0.isTaken(code) : $0.has(code) }) { return .inList }
        return othersUploads.first { $0.has(code) }.map { .inOtherList($0.list) }
    }
}
