/// How fast an export goes on: as fast as it can while nothing is committed, and beside commits so slowly that they
/// keep most of the machine.
package struct ExportPace: Sendable {
    /// Beside commits. Measured: see `docs/PERFORMANCE.md`, "Exports and holds".
    static let rowsPerSecond: UInt64 = 1_020_000
    /// A piece is not kept back longer, whatever the clock does.
    package static let waitMillisecondsMax: UInt64 = 100
    /// What the machine was too busy for is made up for, as far as this.
    static let lagMillisecondsMax: UInt64 = 1_000
    /// Without a commit for so long there is no load.
    package static let idleMilliseconds: UInt64 = 100

    /// When the next piece may leave.
    private var dueMicroseconds: UInt64 = 0
    private var frames: UInt64?
    /// There is a load until then, unless there are further commits.
    private var loadEnds: UInt64 = 0

    package init() {}

    /// How many milliseconds a piece should be kept back.
    ///
    /// - Parameters:
    ///   - frames: committed so far: whether there are more than at the piece before tells whether there is a load.
    ///   - now: the wall clock's milliseconds.
    package mutating func wait(rows: Int, frames: UInt64, now: UInt64) -> UInt64 {
        let isCommitted = frames != self.frames ?? frames
        loadEnds = isCommitted ? now + Self.idleMilliseconds : min(loadEnds, now + Self.idleMilliseconds)
        self.frames = frames
        let start = now * 1_000
        if now >= loadEnds {
            dueMicroseconds = start
            return 0
        }
        let earliest = start - min(start, Self.lagMillisecondsMax * 1_000)
        dueMicroseconds = min(max(dueMicroseconds, earliest), start + Self.waitMillisecondsMax * 1_000)
        defer { dueMicroseconds += UInt64(rows) * 1_000_000 / Self.rowsPerSecond }
        return dueMicroseconds > start ? (dueMicroseconds - start) / 1_000 : 0
    }
}
