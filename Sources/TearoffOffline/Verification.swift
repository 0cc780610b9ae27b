package import TearoffCore
import TearoffEngine
package import TearoffLog

/// What a check of a whole data directory came to.
package struct Verification: Sendable {
    /// One kind of file, as far as it was read.
    package struct Part: Equatable, Sendable {
        package let name: String
        package var files: Int
        package var byteCount: UInt64
        /// nil where there are no frames and records.
        package var frames: UInt64?
        package var records: UInt64?
        package var isWhole: Bool
    }

    /// What a start would leave behind: a frame that was never acknowledged.
    package struct Tail: Equatable, Sendable {
        package let tail: FramePlace
        /// From the frame's place to the last byte that is not zero.
        package let byteCount: UInt64
    }

    /// What a start of the server would come to.
    package enum Start: Sendable {
        case serves(State)
        case refused(RecoveryError)
    }

    /// What a start would serve.
    package struct State: Sendable {
        package let lists: [(name: String, ledger: Ledger)]
        /// Snapshots that the start would rename aside, since it could not use them.
        package let setsAside: [UInt64]
        /// Sequence numbers that a crash took before anybody was told of them.
        package let gaps: UInt64
    }

    package let parts: [Part]
    package let tails: [Tail]
    /// Names in `wal/` that are no segment's: a start reports them, and leaves them alone.
    package let foreignFiles: [String]
    /// Half-written files that a start removes.
    package let leftovers: [String]
    package let start: Start
    /// All that is damaged or missing, whether or not a start needs it, in the order in which it was met.
    package let damage: [RecoveryError]

    /// Nothing is damaged, and a start serves all that was ever acknowledged.
    package var isWhole: Bool { damage.isEmpty }
}

/// How far a check is.
package struct VerificationProgress: Sendable {
    package enum Stage: String, Sendable {
        case blobs, log, recovery
        /// Of a restore.
        case copy
    }

    package let stage: Stage
    /// Bytes.
    package let done: UInt64
    package let total: UInt64
    /// Of the log, in this stage.
    package var records: UInt64 = 0
}
