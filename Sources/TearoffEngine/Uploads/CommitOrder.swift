package import TearoffCore
import TearoffLog

/// What a commit is to do.
package struct CommitOrder: Sendable {
    package let id: UInt64
    package let list: String
    /// Leaves bad lines out; else one refuses the upload.
    package let skipBad: Bool
    /// Judges only. It waits for the commits before it, too, so that it tells what this one would have come to; the
    /// upload is over then, as after a commit.
    package let dryRun: Bool
    /// Withdraws all earlier uploads of the list: its free codes are this file's alone from then on.
    package let replaces: Bool
    /// Who adds them, for the audit trail.
    package let origin: Origin

    package init(id: UInt64, list: String, skipBad: Bool, dryRun: Bool, replaces: Bool, origin: Origin) {
        self.id = id
        self.list = list
        self.skipBad = skipBad
        self.dryRun = dryRun
        self.replaces = replaces
        self.origin = origin
    }
}

extension CommitOrder {
    /// - Parameter withdrawn: counts only when the order is to replace.
    func outcome(
        _ status: UploadOutcome.Status, _ counts: UploadCounts, withdrawn: UInt64 = 0
    ) -> UploadOutcome {
        UploadOutcome(status: status, counts: counts, withdrawn: replaces ? withdrawn : nil, imported: nil)
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
    /// Free codes of earlier uploads that went, or would have; nil unless the upload was to replace them.
    package let withdrawn: UInt64?
    /// nil unless it was an import.
    package let imported: Imported?

    package struct Imported: Equatable, Sendable {
        /// Rows that were written, or would have been.
        package let given: UInt64
        /// Rows that an earlier import wrote.
        package let already: UInt64

        package init(given: UInt64, already: UInt64) {
            self.given = given
            self.already = already
        }
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
    case tooManyRows(line: UInt64)
    /// An import takes the place of nothing.
    case importReplaces
    /// A shard has as many allocations as it can name; the rest of the import stays burned.
    case shardFull

    init(_ failure: UploadReader.Failure) {
        switch failure {
        case .tooManyBadLines(let line): self = .tooManyBadLines(line: line)
        case .tooManyCodes(let line): self = .tooManyCodes(line: line)
        case .tooManyRows(let line): self = .tooManyRows(line: line)
        }
    }
}
