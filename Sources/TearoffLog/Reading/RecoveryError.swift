/// Why a start is refused. Everything that an operator needs: where, what, and what to do.
package struct RecoveryError: Error, Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Damage to something that was, or may have been, acknowledged.
        case damaged
        case missing
        /// Changed by somebody who has not the key: its checksum matches and its encryption's tag does not.
        case altered
        /// Whole, but in the wrong place, of another directory, or out of order.
        case misplaced
        /// Whole and in its place, and cannot be true beside the rest.
        case contradictory
        /// Written by a program that is newer (or older) than this one understands.
        case unsupportedVersion
        /// The system could not read it: that is not the end of the log.
        case unreadable
    }

    package let kind: Kind
    /// Relative to the data directory.
    package let file: String
    package let offset: ByteOffset?
    package let frame: FrameNumber?
    package let problem: String
    package let advice: String

    package init(
        _ kind: Kind, file: String, offset: ByteOffset? = nil, frame: FrameNumber? = nil, problem: String,
        advice: String = Self.restoreAdvice
    ) {
        self.kind = kind
        self.file = file
        self.offset = offset
        self.frame = frame
        self.problem = problem
        self.advice = advice
    }

    package init(_ kind: Kind, at place: FramePlace, problem: String, advice: String = Self.restoreAdvice) {
        self.init(
            kind, file: place.segment.description, offset: place.offset, frame: place.frame, problem: problem,
            advice: advice)
    }

    package static let restoreAdvice =
        "Acknowledged codes may be lost here, so starting could give them twice. Keep a copy of the directory "
        + "and bring back the missing or damaged file."

    package static let alteredAdvice =
        "No disk does that: look for who can write to the directory, and bring the file back from a backup."

    /// The system could not read it, or what it reads was altered.
    package static func unreadable(_ error: StorageError) -> RecoveryError {
        if error.problem.isAlteration {
            return RecoveryError(
                .altered, file: error.file, offset: error.offset, problem: "\(error.problem)", advice: alteredAdvice)
        }
        return RecoveryError(
            .unreadable, file: error.file, offset: error.offset, problem: "\(error)",
            advice: "Check the disk and the file's permissions; nothing was changed.")
    }
}

extension RecoveryError: CustomStringConvertible {
    package var description: String {
        let place = offset.map { " at byte \($0)" } ?? ""
        let number = frame.map { ", frame \($0)" } ?? ""
        return "\(file)\(place)\(number): \(problem). \(advice)"
    }
}
