import TearoffCore

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
