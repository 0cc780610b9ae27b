/// A failed call of a storage door: which call, on which file, and why.
package struct StorageError: Error, Equatable, Sendable {
    package enum Operation: String, Sendable {
        case list, create, open, allocate, write, read, sync, rename, remove, lock, submit, wait, notify, stat
    }

    package enum Problem: Equatable, Sendable {
        /// The system's error number and its words.
        case system(code: CInt, reason: String)
        /// A read ended early: the file is shorter than asked for.
        case truncated(expected: Int, got: Int)
        /// A write took no bytes.
        case nothingWritten
        /// The content is not what its name or checksum says.
        case damaged
        case missing
        /// An earlier call on this object failed; nothing is retried.
        case poisoned
    }

    package let operation: Operation
    /// Relative to the data directory, so that no message leaks the machine's paths.
    package let file: String
    package let offset: ByteOffset?
    package let problem: Problem

    package init(_ operation: Operation, file: String, offset: ByteOffset? = nil, problem: Problem) {
        self.operation = operation
        self.file = file
        self.offset = offset
        self.problem = problem
    }
}

extension StorageError {
    /// Whether the disk, or its owner's quota, is full: ENOSPC or EDQUOT as Linux numbers them.
    package var isOutOfSpace: Bool {
        if case .system(let code, _) = problem { code == 28 || code == 122 } else { false }
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        let place = offset.map { " at byte \($0)" } ?? ""
        return "\(operation.rawValue) \(file)\(place): \(problem)"
    }
}

extension StorageError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let code, let reason): "\(reason) (error \(code))"
        case .truncated(let expected, let got): "ended after \(got) of \(expected) bytes"
        case .nothingWritten: "the write took no bytes"
        case .damaged: "the content does not match its checksum"
        case .missing: "does not exist"
        case .poisoned: "an earlier call failed"
        }
    }
}
