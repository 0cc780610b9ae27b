/// What the generator itself took while it recorded: one value for each of its threads.
package struct GeneratorLoad: Sendable {
    /// User and system time.
    package var cpuNanoseconds: UInt64
    package var wallNanoseconds: UInt64
    /// Replies that came meanwhile.
    package var replies: UInt64

    package init(cpuNanoseconds: UInt64, wallNanoseconds: UInt64, replies: UInt64) {
        self.cpuNanoseconds = cpuNanoseconds
        self.wallNanoseconds = wallNanoseconds
        self.replies = replies
    }

    /// How much of the time the thread was busy.
    package var busyShare: Double {
        wallNanoseconds == 0 ? 0 : Double(cpuNanoseconds) / Double(wallNanoseconds)
    }
}
