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
        /// Its checksum matches and its tag does not: somebody changed it who has not the key.
        case altered
        /// It does not begin as all files of an encrypted directory do.
        case notEncrypted
        /// It is encrypted with a data key that the directory has not.
        case unknownDataKey(UInt32)
        case missing
        /// An earlier call on this object failed; nothing is retried.
        case poisoned
        /// It is locked for longer than was waited.
        case inUse
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

    /// What is not tried, since the room that is left is for what is under way.
    package static func outOfSpace(_ operation: Operation, file: String) -> StorageError {
        StorageError(operation, file: file, problem: .system(code: 28, reason: "the disk is nearly full"))
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        let place = offset.map { " at byte \($0)" } ?? ""
        return "\(operation.rawValue) \(file)\(place): \(problem)"
    }
}

extension StorageError.Problem {
    package init(_ error: EncryptedFileError) {
        self =
            switch error {
            case .damaged: .damaged
            case .altered: .altered
            case .notEncrypted: .notEncrypted
            case .unknownDataKey(let number): .unknownDataKey(number)
            }
    }

    /// Whether somebody changed it who has not the key.
    package var isAlteration: Bool { self == .altered || self == .notEncrypted }
}

extension StorageError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let code, let reason): "\(reason) (error \(code))"
        case .truncated(let expected, let got): "ended after \(got) of \(expected) bytes"
        case .nothingWritten: "the write took no bytes"
        case .damaged: "the content does not match its checksum"
        case .altered: "its checksum matches and its encryption's tag does not, so it was altered on purpose"
        case .notEncrypted: "it is not encrypted, and its directory is"
        case .unknownDataKey(let number): "it is encrypted with data key \(number), which KEYS has not"
        case .missing: "does not exist"
        case .poisoned: "an earlier call failed"
        case .inUse:
            "another process has it open, or a write of one that was killed is not over; try again once the disk answers"
        }
    }
}
