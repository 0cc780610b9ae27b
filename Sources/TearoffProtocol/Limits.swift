/// How much one client may make the command decoder hold. Every bound has a reply: see ``ProtocolError``.
///
/// A value, not constants, because a connection that has not authenticated yet gets ``unauthenticated``.
package struct DecoderLimits: Equatable, Sendable {
    /// Longest inline line without its line end. As in Redis (`PROTO_INLINE_MAX_SIZE`). Reply: `PROTOCOL`.
    package var inlineLineBytes: Int
    /// Longest argument of any command but an upload's chunk. No name, code or user comes near; as long as
    /// an inline line, so that both forms can say the same. Reply: `PROTOCOL`.
    package var bulkBytes: Int
    /// Longest argument from index ``uploadArgumentIndex`` on of a `LIST` command: one chunk of an upload.
    /// Large enough that the round trip vanishes beside the copy, small enough that a thousand uploading
    /// connections hold 1 GiB. Reply: `PROTOCOL`.
    package var uploadChunkBytes: Int
    /// Most arguments of one command, its name included. A guess: `COMMAND DOCS` of every name needs under
    /// a hundred. Reply: `PROTOCOL`.
    package var argumentCount: Int
    /// Most bytes of one whole command, all framing included: what a connection's input buffer must be able
    /// to hold. Twice the longest chunk. Reply: `PROTOCOL`.
    package var commandBytes: Int
    /// The same two of an `ALLOCMANY` that is sent as an array. Its users take some 16 bytes each beside the input,
    /// while it is decoded. Reply: `PROTOCOL`.
    package var manyArgumentCount: Int
    package var manyCommandBytes: Int

    package init(
        inlineLineBytes: Int, bulkBytes: Int, uploadChunkBytes: Int, argumentCount: Int, commandBytes: Int,
        manyArgumentCount: Int, manyCommandBytes: Int
    ) {
        precondition(inlineLineBytes > 0 && bulkBytes > 0 && argumentCount > 0, "a limit of nothing")
        precondition(uploadChunkBytes >= bulkBytes, "a chunk may be no shorter than any argument")
        precondition(commandBytes >= uploadChunkBytes, "a command holds at least its longest argument")
        precondition(
            manyArgumentCount >= argumentCount && manyCommandBytes >= commandBytes,
            "an ALLOCMANY may be no smaller than any command")
        precondition(manyCommandBytes <= Int(UInt32.max), "positions must fit in 32 bits")
        self.inlineLineBytes = inlineLineBytes
        self.bulkBytes = bulkBytes
        self.uploadChunkBytes = uploadChunkBytes
        self.argumentCount = argumentCount
        self.commandBytes = commandBytes
        self.manyArgumentCount = manyArgumentCount
        self.manyCommandBytes = manyCommandBytes
    }

    /// `LIST LOAD name CHUNK upload bytes`: the name may be anything, so the long argument is known by its
    /// place behind the first three words only.
    package static let uploadArgumentIndex = 3

    package static let standard = DecoderLimits(
        inlineLineBytes: 64 << 10, bulkBytes: 64 << 10, uploadChunkBytes: 1 << 20, argumentCount: 1_024,
        commandBytes: 2 << 20, manyArgumentCount: 2 + ArgumentLimits.manyUsersMax,
        manyCommandBytes: 6 << 20)

    /// For a connection that must authenticate first: enough for `AUTH` and `HELLO`, as in Redis.
    package static let unauthenticated = DecoderLimits(
        inlineLineBytes: 16 << 10, bulkBytes: 16 << 10, uploadChunkBytes: 16 << 10, argumentCount: 10,
        commandBytes: 16 << 10, manyArgumentCount: 10, manyCommandBytes: 16 << 10)
}

/// Bounds on the values inside a command. The reply is `SYNTAX` with the bound in its text.
package enum ArgumentLimits {
    /// Longest name of a list or campaign, and of a client. Fits a log line; a guess.
    package static let nameBytes = 64
    /// Longest user, user id and code: their lengths fit one byte on disk.
    package static let valueBytes = 255
    /// Most users of one `ALLOCMANY`: what its requirement asks for. As UUIDs they are 4.3 MB on the wire, and at most
    /// 3.9 MiB in the one frame that has all of them.
    package static let manyUsersMax = 100_000
    /// Longest date text; the longest ISO 8601 form with an offset has 35 bytes.
    package static let dateBytes = 64
    /// Longest file name kept with an upload (`NAME_MAX` of Linux).
    package static let filenameBytes = 255
    /// Longest re-trigger window: ten years, far from every overflow of milliseconds.
    package static let windowMillisecondsMax: UInt64 = 3_650 * 86_400_000
    /// Longest hold. A guess: no message is on its way for a month.
    package static let holdMillisecondsMax: UInt64 = 31 * 86_400_000
    /// Longest cursor of an export: nine characters for each of 256 shards.
    package static let cursorBytes = 9 * 256
    /// Longest list of an export's columns; all of them with commas take some 90 bytes.
    package static let columnsBytes = 128
    /// Most codes that a campaign may be allowed in a day or in a second: what a counter beside a time holds.
    package static let codesPerWindowMax: UInt64 = (1 << 28) - 1
    /// Most days before its expiry that a list may stop giving codes: ten years.
    package static let daysMax: UInt64 = 3_650
    /// Most further lists that a campaign draws from: each is tried for every code once those before are empty.
    package static let overflowLists = 16
    /// Longest address of a recipient: a webhook's URL. An e-mail address has 254 at most.
    package static let addressBytes = 1_024
    /// Longest secret of a webhook: its prefix, and 64 bytes as base64.
    package static let secretBytes = 6 + 88
    /// Bytes of a password when it is set. Shorter ones are soon guessed.
    package static let passwordBytes = 8...1_024
    /// Most names, or beginnings of names, that an account's lists or campaigns are limited to.
    package static let reachPatterns = 16
    /// Most hours ahead of which a list's end is told: a year.
    package static let warnHoursMax: UInt64 = 8_760
    /// Most days before an expiry on which it is told.
    package static let warnDaysCount = 8
    /// Most rows that one `LIST LOAD ... ERRORS` asks for; about 40 bytes each, so a reply stays near 400 KB.
    package static let errorRowsMax: UInt64 = 10_000
    /// Most rows of one `LIST UPLOADS`, and how many it tells unasked. All shards are held while they are
    /// counted: a thousand is some 16,000 look-ups in memory. About 300 bytes each, so a reply stays near
    /// 300 KB.
    package static let uploadRowsMax: UInt64 = 1_000
    /// Most rows of one `AUDIT READ`: at most some 4 KB each and mostly a tenth of that, so a reply stays under 4 MB.
    package static let auditRowsMax: UInt64 = 1_000
    /// Rows of an `AUDIT READ` that does not say how many: a few screens.
    package static let auditRowsUsual: UInt64 = 100
    /// Most events of one `FEED READ`: at most some 1.2 KB each and mostly a fifth of that, so a reply stays under 1.3 MB.
    package static let feedRowsMax: UInt64 = 1_000
    /// Events of a `FEED READ` that does not say how many.
    package static let feedRowsUsual: UInt64 = 100
    /// Longest wait of a `FEED READ`: a client that has gone away keeps its place no longer than that.
    package static let feedBlockMillisecondsMax: UInt64 = 60_000
}

/// How much one server may make the reply decoder hold.
package struct ReplyLimits: Equatable, Sendable {
    /// Longest simple string, error or number. Our errors are a line of text.
    package var lineBytes: Int
    /// Longest bulk string.
    package var bulkBytes: Int
    /// Most elements of one aggregate; a map counts keys and values.
    package var elementCount: Int
    /// Most aggregates inside each other; our deepest reply, `COMMAND`, has seven.
    package var depth: Int
    /// Most bytes of one whole reply.
    package var replyBytes: Int

    package init(lineBytes: Int, bulkBytes: Int, elementCount: Int, depth: Int, replyBytes: Int) {
        precondition(lineBytes > 0 && bulkBytes > 0 && elementCount > 0 && depth > 0, "a limit of nothing")
        precondition(replyBytes >= bulkBytes, "a reply holds at least its longest bulk")
        self.lineBytes = lineBytes
        self.bulkBytes = bulkBytes
        self.elementCount = elementCount
        self.depth = depth
        self.replyBytes = replyBytes
    }

    package static let standard = ReplyLimits(
        lineBytes: 64 << 10, bulkBytes: 16 << 20, elementCount: 1 << 20, depth: 8, replyBytes: 64 << 20)
}
