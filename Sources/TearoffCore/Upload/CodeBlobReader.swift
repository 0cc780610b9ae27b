/// Cuts an upload's blob back into strips: codes in order, each followed by a newline.
///
/// It judges no code, as ``UploadReader`` did before the blob was written: the blob's hash says that these
/// are the codes that were judged. (To judge them again would also change one: a first code that begins with
/// a byte order mark would lose it.)
package struct CodeBlobReader: Sendable {
    private let count: Int
    private var builder: RunBuilder
    /// A code that the last piece left unfinished; at most ``Limits/codeBytes`` bytes.
    private var unfinished: [UInt8] = []

    package enum Failure: Error, Equatable {
        /// The code of that ordinal is empty, too long, or has no newline behind it.
        case noCode(Ordinal)
        case tooManyCodes
    }

    /// - Parameter count: codes that the blob has; with more it is no blob of this upload.
    package init(id: UploadID, count: Int) {
        self.count = count
        builder = RunBuilder(id: id)
    }

    /// - Throws: ``Failure``; the reader is to be thrown away then.
    package mutating func consume(_ piece: [UInt8]) throws(Failure) {
        let bytes = piece.span
        var start = 0
        for index in bytes.indices where bytes[index] == 0x0A {
            if unfinished.isEmpty {
                try take(bytes.extracting(start..<index))
            } else {
                try keep(bytes.extracting(start..<index))
                let code = unfinished
                unfinished = []
                try take(code.span)
            }
            start = index + 1
        }
        try keep(bytes.extracting(start..<bytes.count))
    }

    /// To be called at the blob's end.
    package mutating func finish() throws(Failure) {
        guard unfinished.isEmpty else { throw .noCode(Ordinal(builder.count)) }
        builder.finish()
    }

    /// The strips that are whole by now, and were not taken yet.
    package var strips: [Strip] { builder.strips }

    package mutating func takeStrips() -> [Strip] { builder.takeStrips() }

    private mutating func keep(_ part: Span<UInt8>) throws(Failure) {
        guard unfinished.count + part.count <= Limits.codeBytes else { throw .noCode(Ordinal(builder.count)) }
        unfinished.append(part)
    }

    private mutating func take(_ code: Span<UInt8>) throws(Failure) {
        guard !code.isEmpty, code.count <= Limits.codeBytes else { throw .noCode(Ordinal(builder.count)) }
        guard builder.count < count else { throw .tooManyCodes }
        builder.append(code)
    }
}
