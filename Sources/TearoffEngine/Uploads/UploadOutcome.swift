package import TearoffCore

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
