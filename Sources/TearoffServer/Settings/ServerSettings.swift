package import Foundation
package import TearoffDelivery
import TearoffEngine
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
    /// Where the key of an encrypted directory comes from; at most one of them.
    package var keyFile: String?
    package var keyCommand: String?
    /// Of the key that is being changed.
    package var previousKeyFile: String?
    /// Where `BACKUP` writes; nil: nowhere. A client names a place in it only, so that none writes just anywhere.
    package var backupPath: String?
    /// Dates without a time end at midnight of this zone.
    package var timeZone = TimeZone(secondsFromGMT: 0) ?? .current
    package var mechanism = Mechanism.automatic
    package var segmentBytes = LogLimits.segmentBytesDefault
    package var compressionLevel: Int32 = -1
    package var snapshotLogBytes: UInt64 = 1 << 30
    /// With less free on the disk no new codes are given; 0: as long as a write succeeds.
    package var freeBytesMinimum: UInt64 {
        get { chosenFreeBytesMinimum ?? segmentBytes * UInt64(loopCount + 1) }
        set { chosenFreeBytesMinimum = newValue }
    }
    /// nil: what the next segment of every lane takes.
    private var chosenFreeBytesMinimum: UInt64?
    /// What the feed keeps of the newest events; 0 of either: there is no feed.
    package var feedBytesMaximum: UInt64 = 256 << 20
    package var feedMillisecondsMaximum: UInt64 = 168 * 3_600_000
    package var feedTellsRepeats = false
    /// How warnings are sent, and how often it is tried.
    package var deliveryRoutes = DeliveryRoutes()
    package var deliveryAttempts = DeliverySettings().attemptsMaximum
    /// For tests: no pause between two tries is longer.
    package var deliveryPauseMilliseconds: UInt64?
    package var connectionsMaximum = 10_000
    /// Of one address; nil: as many as of all.
    package var connectionsOfAddressMaximum: Int?
    package var deadlines = ClientDeadlines()
    /// Beyond ``ServerLimits/connectionBytes`` of each.
    package var clientMemoryBytes = 512 << 20
    /// When set, connections must authenticate with it.
    package var password: [UInt8]?
    /// When set, every connection over the network is encrypted.
    package var tls: TLSFiles?
    /// Where the Unix socket for administration is; nil: there is none.
    package var adminSocketPath: String?
    /// Files that hold secrets: those that others may read are warned of.
    package var secretPaths: [String] = []
    /// For tests and benchmarks: every flush takes that much longer.
    package var flushDelayMicroseconds: UInt32 = 0
    /// For tests: after that many writes the log fails as on a broken disk.
    package var writesBeforeFailure: Int?
    /// For tests: passwords are hashed at this cost; nil: as hard as they ought to be.
    package var passwordCostExponent: UInt8?

    package init(dataPath: String, loopCount: Int) {
        self.dataPath = dataPath
        self.loopCount = loopCount
    }
}

/// Where the server's certificate is, as PEM. Read at the start, and again when it is asked for.
package struct TLSFiles: Sendable {
    /// The server's own first, then those that lead to the one that clients know.
    package var certificatePath: String
    package var keyPath: String
    /// Who signs clients' certificates; nil: clients need none.
    package var clientAuthoritiesPath: String?

    package init(certificatePath: String, keyPath: String, clientAuthoritiesPath: String?) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.clientAuthoritiesPath = clientAuthoritiesPath
    }
}

/// What one client, or all of them, can make the server hold.
package enum ServerLimits {
    /// Replies that a connection may have waiting before its commands are read on: a client that does not
    /// read stops itself, and nobody else (DURABILITY, row 28).
    package static let outputBytes = 256 << 10
    /// Replies that the socket did not take yet before a connection is not read any more.
    package static let unsentBytes = 32 << 10
    /// Input and replies that every connection may hold without being counted: what one read brings.
    package static let connectionBytes = 64 << 10
    /// Room that a connection keeps for its replies while it has none, and as much for those that left last.
    package static let outputBytesKept = 8 << 10
    /// Input read ahead of the commands: one whole command (``DecoderLimits``) and one read.
    package static let readBytes = 64 << 10
    /// Replies, but for those to `ALLOC`s without a key, that end a connection's turn: the loop looks at its other sockets
    /// before the next command. A reply's bytes stand for the time that it took; so many of `INFO`, or of errors, take some
    /// 0.3 ms. With a quarter of that a client that pipelines 64 `USER HISTORY`s had 143,000 a second instead of 330,000.
    package static let turnBytes = 16 << 10
    /// What a command counts in a turn beside its reply, an empty line too: 64 KiB of `PING`s, or of line ends, are long.
    package static let commandTurnBytes = 64
    /// Campaigns or uploads that a look-up may have walked over, some 5 µs, to be answered at once. One that walked
    /// over more is answered later, which ends its connection's turn.
    package static let lookUpProbes = 64
    /// How long a lane is idle before its last frame is sealed (`docs/DURABILITY.md`, its limits).
    package static let sealAfterMilliseconds: Int64 = 10
    /// A peer that says nothing for so long is asked whether it is there, and then again, until it answers or the time
    /// for unread replies is over.
    package static let keepaliveAfterSeconds = 60
    package static let keepaliveEverySeconds = 15
    /// How often the server looks whether its directory is where it was: what is acknowledged in between may be lost
    /// with it.
    package static let directoryLookMilliseconds: UInt64 = 500
    /// Connections waiting to be accepted.
    package static let acceptBacklog: Int32 = 1_024
    /// Connections over the Unix socket for administration, beside ``ServerSettings/connectionsMaximum``: so that
    /// whoever looks after the server gets in when clients have taken all others. One more is told `LIMIT` and closed.
    package static let adminConnections = 16
    /// Connections that are open beyond those that may be, to be told so. Others wait to be accepted meanwhile.
    package static let refusalsInHand = 4
    /// Connections that are accepted, and not yet opened by their loops, some 30 µs each: so many come at once to a loop
    /// that stood still.
    package static let comingConnections = 8
    /// How long a TLS handshake may take: it needs two round trips and a millisecond of computing. A connection that is
    /// not done by then is closed.
    package static let handshakeSeconds: Int64 = 10
    /// How long a TLS connection that is closed here waits for the client's own goodbye, which nothing depends on: a
    /// stop of the server waits so long at most.
    package static let tlsFarewellMilliseconds: Int64 = 500
    /// Failed handshakes are told in the log so often at most, with how many there were in between.
    package static let handshakeLogSeconds: UInt64 = 10
    /// A certificate that ends sooner is warned of when it is read.
    package static let certificateWarnDays = 14
    /// How long a start waits to see whether somebody answers on a Unix socket that it finds.
    static let staleSocketSeconds: Int64 = 2
}
