/// One stage of the work, to be measured by itself: how it is set up, and what one operation of it is.
///
/// Its body is written once and measured in two ways: its time by ordo-one's Benchmark, its instructions by
/// callgrind.
struct Stage: Sendable {
    /// Does the stage's operation so many times. What it does is checked at its end, so that no compiler can
    /// leave it out.
    typealias Body = (_ operations: Int) throws -> Void

    /// Lower-case words, as on the command line and in the file of thresholds.
    let name: String
    /// Operations in one sample of its time.
    let sampled: Sampled
    /// Whether each operation uses up one of ``Size/spareUsers``.
    let usesUsersUp: Bool
    /// Operations that callgrind counts; nil where a count would tell nothing: valgrind runs one thread at a
    /// time, and so threads never meet.
    let counted: Int?
    let prepare: @Sendable (Size) throws -> Body

    enum Sampled: Int, Sendable {
        case thousand = 1_000
        /// Where threads are started, which takes as long as a hundred operations.
        case tenThousand = 10_000
        case million = 1_000_000
    }

    init(
        _ name: String, sampled: Sampled = .thousand, counted: Int? = 10_000, usesUsersUp: Bool = false,
        prepare: @escaping @Sendable (Size) throws -> Body
    ) {
        self.name = name
        self.sampled = sampled
        self.counted = counted
        self.usesUsersUp = usesUsersUp
        self.prepare = prepare
    }
}

/// How large the state is on which a stage works.
enum Size: Sendable {
    /// For instructions. Smaller, since valgrind makes the filling of it slow, too.
    case counted
    /// For time: far larger than any cache.
    case timed

    /// Allocations in the index before anything is measured.
    var rows: Int {
        switch self {
        case .counted: 1_000_000
        case .timed: 10_000_000
        }
    }

    /// New users that a stage may use up.
    var spareUsers: Int {
        switch self {
        case .counted: 20_000
        case .timed: 1_000_000
        }
    }

    /// Known users that are looked up, one after the other and then again.
    var knownUsers: Int {
        switch self {
        case .counted: 1 << 14
        case .timed: 1 << 20
        }
    }

    /// Records in the log of a recovery.
    var loggedRecords: Int {
        switch self {
        case .counted: 100_000
        case .timed: 1_000_000
        }
    }
}

extension Stage {
    /// The pieces of an `ALLOC`, whole ones, and the pieces of a recovery and a whole one.
    static let all: [Stage] =
        protocolStages + shardStages + claimStages + logStages + engineStages + recoveryStages
}
