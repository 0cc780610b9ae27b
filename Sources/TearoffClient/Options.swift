extension TearoffClient {
    /// How a client behaves. Every bound may be changed; the values here suit a service beside its server.
    public struct Options: Sendable {
        /// How long to wait for the connection itself, for the handshake of TLS, and for the greeting.
        public var connectTimeout: Duration
        /// How the connection is encrypted. Nil: in clear.
        public var tls: TLS?
        /// Longest silence while a reply is due: counted from the command's sending or from the reply before
        /// it, whichever is later. Nil: for ever.
        public var replyTimeout: Duration?
        /// The same for what takes long by its nature: the commit of an upload, a snapshot, a shutdown.
        public var operationTimeout: Duration?
        /// How long ``TearoffClient/connect(host:port:account:password:options:)`` goes on asking a server that is
        /// still recovering its data. Nil: it does not ask, and commands may be answered with `LOADING`.
        public var waitWhileLoading: Duration?
        /// The pause between two questions to a server that is recovering.
        public var loadingRetryInterval: Duration
        /// The connection's name in `CLIENT LIST`: at most 64 printable characters without blanks.
        public var clientName: String?
        /// Most commands that wait for their replies; one more fails with ``TearoffError/Code/busy`` unsent.
        public var pendingCommandsMaximum: Int
        /// Most bytes of such commands. A lone command is sent whatever its size.
        public var pendingBytesMaximum: Int

        /// Options that differ from the usual ones only where an argument says so.
        public init(
            connectTimeout: Duration = .seconds(5),
            tls: TLS? = nil,
            replyTimeout: Duration? = .seconds(30),
            operationTimeout: Duration? = .seconds(3_600),
            waitWhileLoading: Duration? = nil,
            loadingRetryInterval: Duration = .milliseconds(200),
            clientName: String? = nil,
            pendingCommandsMaximum: Int = Limits.pendingCommands,
            pendingBytesMaximum: Int = Limits.pendingBytes
        ) {
            self.connectTimeout = connectTimeout
            self.tls = tls
            self.replyTimeout = replyTimeout
            self.operationTimeout = operationTimeout
            self.waitWhileLoading = waitWhileLoading
            self.loadingRetryInterval = loadingRetryInterval
            self.clientName = clientName
            self.pendingCommandsMaximum = pendingCommandsMaximum
            self.pendingBytesMaximum = pendingBytesMaximum
        }
    }

    /// The bounds that hold unless ``Options`` says otherwise.
    public enum Limits {
        /// A guess: a second of a busy caller, and far above the depth where the rate stops growing.
        public static let pendingCommands = 65_536
        /// 64 MiB: a window of chunks and many pipelines besides.
        public static let pendingBytes = 64 << 20
        /// The server's default port.
        public static let port = 7071
        /// Bytes of one chunk of an upload: half of what the server takes, so that a copy stays in the cache.
        public static let uploadChunkBytes = 512 << 10
        /// Chunks of one upload under way at once: the server reads one while the next ones travel.
        public static let uploadWindow = 4
        /// Most users of one call of ``TearoffClient/allocateMany(campaign:users:)``.
        public static let usersOfOneCall = 100_000
        /// Most bad lines that one call reads.
        public static let badLinesPage = 10_000
        /// Most uploads of a list that one call reads.
        public static let uploadsPage = 1_000
        /// Most records of the audit trail that one call reads.
        public static let auditPage = 1_000
        /// Most events of the feed that one call reads.
        public static let feedPage = 1_000
    }
}
