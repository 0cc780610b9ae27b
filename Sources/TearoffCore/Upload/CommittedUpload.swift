/// One file that became part of a list, as its record tells it; the codes stand in the blob.
package struct CommittedUpload: Hashable, Sendable {
    package let id: UploadID
    package let list: ListID
    package let count: UInt64
    package let blob: ContentHash
    package let fileHash: ContentHash
    package let fileName: String
    /// nil when it was committed before that was kept.
    package let report: UploadReport?
    /// Whether its codes were given by another system; such a one has a report.
    package let isImport: Bool

    package init(
        id: UploadID, list: ListID, count: UInt64, blob: ContentHash, fileHash: ContentHash, fileName: String,
        report: UploadReport?, isImport: Bool = false
    ) {
        self.id = id
        self.list = list
        self.count = count
        self.blob = blob
        self.fileHash = fileHash
        self.fileName = fileName
        self.report = report
        self.isImport = isImport
    }
}

/// Who sent a file, and which of its lines became no code of the list.
package struct UploadReport: Hashable, Sendable {
    package let origin: Origin
    package let lines: LinesLeftOut

    package init(origin: Origin, lines: LinesLeftOut) {
        self.origin = origin
        self.lines = lines
    }
}

/// How many lines of a file became no code of the list, and why.
package struct LinesLeftOut: Hashable, Sendable {
    package var blank: UInt64 = 0
    private var faults = [UInt64](repeating: 0, count: LineFault.allCases.count)

    package init() {}

    package subscript(_ fault: LineFault) -> UInt64 {
        get { faults[Int(fault.rawValue)] }
        set { faults[Int(fault.rawValue)] = newValue }
    }

    package var bad: UInt64 { faults.reduce(0, +) }
}
