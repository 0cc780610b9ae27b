package import Foundation
import TearoffLog

/// How a server runs. `tearoffd` fills it from flags, environment and file.
package struct ServerSettings: Sendable {
    /// How commits reach the disk.
    package enum Mechanism: String, CaseIterable, Sendable {
        case automatic, ioUring = "io_uring", pwritev2
    }

    package var dataPath: String
    package var host = "127.0.0.1"
    /// 0 lets the kernel choose; the port is told at start.
    package var port = 7071
    package var loopCount: Int
    /// Fixed when the directory is made; an existing one keeps its own.
    package var shardCount: UInt16 = 16
    package var expectData = false
    /// Where `BACKUP` writes; nil: nowhere. A client names a place in it only, so that none writes just anywhere.
    package var backupPath: String?
    /// Dates without a time end at midnight of this zone.
    package var timeZone = TimeZone(secondsFromGMT: 0) ?? .current
    package var mechanism = Mechanism.automatic
    package var segmentBytes = LogLimits.segmentBytesDefault
    package var compressionLevel: Int32 = -1
    package var snapshotLogBytes: UInt64 = 1 << 30
    /// What the feed keeps of the newest events; 0 of either: there is no feed.
    package var feedBytesMaximum: UInt64 = 256 << 20
    package var feedMillisecondsMaximum: UInt64 = 168 * 3_600_000
    package var connectionsMaximum = 10_000
    /// When set, connections must authenticate with it.
    package var password: [UInt8]?
    /// For tests and benchmarks: every flush takes that much longer.
    package var flushDelayMicroseconds: UInt32 = 0
    /// For tests: after that many writes the log fails as on a broken disk.
    package var writesBeforeFailure: Int?

    package init(dataPath: String, loopCount: Int) {
        self.dataPath = dataPath
        self.loopCount = loopCount
    }
}

/// What one client, or all of them, can make the server hold.
package enum ServerLimits {
    /// Replies that a connection may have waiting before its commands are read on: a client that does not
    /// read stops itself, and nobody else (DURABILITY, row 28).
    package static let outputBytes = 256 << 10
    /// Room that a connection keeps for its replies while it has none, and as much for those that left last.
    package static let outputBytesKept = 8 << 10
    /// Input read ahead of the commands: one whole command (``DecoderLimits``) and one read.
    package static let readBytes = 64 << 10
    /// Campaigns or uploads that a look-up may have walked over, some 5 µs, to be answered at once. One that walked
    /// over more is answered in a later turn, so that of such look-ups one read brings one, and other connections
    /// have their turn in between.
    package static let lookUpProbes = 64
    /// How long a lane is idle before its last frame is sealed (DURABILITY, section 3).
    package static let sealAfterMilliseconds: Int64 = 10
    /// Connections waiting to be accepted.
    package static let acceptBacklog: Int32 = 1_024
}
