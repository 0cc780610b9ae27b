import TearoffProtocol

/// What comes over a connection.
enum ProtocolTargets {
    static let all = [
        FuzzTarget("command", run: command),
        FuzzTarget("inline", bytesMax: 512, run: inline),
        FuzzTarget("plain-alloc", bytesMax: 1_024, run: plainAlloc),
        FuzzTarget("reply", run: reply),
    ]

    /// So small that a short input meets every one of them.
    private static let small = DecoderLimits(
        inlineLineBytes: 48, bulkBytes: 24, uploadChunkBytes: 48, argumentCount: 6, commandBytes: 96,
        manyArgumentCount: 9, manyCommandBytes: 128)

    private static let smallReplies = ReplyLimits(
        lineBytes: 16, bulkBytes: 24, elementCount: 6, depth: 3, replyBytes: 64)

    /// Goal: commands do not depend on how the network cuts them; whatever was taken for `ALLOC` at a glance is what
    /// the decoder makes of it. Of both forms, under the limits of before and behind an authentication.
    @Sendable private static func command(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let limits = [DecoderLimits.standard, .unauthenticated, small, small][options.number(bits: 0..<2)]
        let body = options.body
        let whole = Feed.steps(body, limits: limits)
        try FuzzFinding.expect(
            whole == Feed.steps(body, cuts: [options.cut(of: body.count)], limits: limits),
            "cut in two the commands are others")
        if body.count <= 64 {
            try FuzzFinding.expect(
                whole == Feed.steps(body, cuts: Array(0..<body.count), limits: limits),
                "byte by byte the commands are others")
        }
        try compareAtAGlance(body)
    }

    /// Goal: a line means what the array of its words means, and the words written with quotes mean the same again.
    @Sendable private static func inline(_ input: [UInt8]) throws(FuzzFinding) {
        let line = input.prefix { $0 != 0x0A } + [0x0A]
        guard line.first != UInt8(ascii: "*") else { return }
        guard let outcome = Feed.single(Array(line)), !outcome.arguments.isEmpty else { return }
        var writer = CommandWriter()
        writer.command(outcome.arguments)
        // The error of an unknown word may tell of the line as it was written.
        let asArray = Feed.single(writer.bytes)
        try FuzzFinding.expect(
            asArray?.arguments == outcome.arguments && (asArray?.error == nil) == (outcome.error == nil),
            "as an array the line is another command")
        let quoted = outcome.arguments.map(quoted).joined(separator: [0x20]) + [0x0D, 0x0A]
        try FuzzFinding.expect(
            Feed.single(Array(quoted))?.arguments == outcome.arguments, "quoted the words are others")
    }

    private static func quoted(_ word: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [0x22] + word.flatMap { [0x5C, 0x78, digits[Int($0 >> 4)], digits[Int($0 & 15)]] } + [0x22]
    }

    /// Goal: the short way never says anything that the decoder would not. The beginning, which no mutation should have
    /// to find, is given.
    @Sendable private static func plainAlloc(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let head = options.has(0) ? "*3\r\n$5\r\nalLoC\r\n$" : options.has(1) ? "*3\r\n$5\r\nALLOC\r\n$" : ""
        try compareAtAGlance(Array(head.utf8) + options.body)
    }

    private static func compareAtAGlance(_ input: [UInt8]) throws(FuzzFinding) {
        guard let plain = PlainAlloc(input.span, from: 0) else { return }
        guard plain.end <= input.count, case .outcome(let outcome)? = Feed.steps(Array(input[..<plain.end])).first
        else { throw FuzzFinding("at a glance it is an ALLOC, and the decoder reads no whole command") }
        try FuzzFinding.expect(
            outcome.arguments.count == 3 && outcome.arguments[1] == Array(input[plain.campaign])
                && outcome.arguments[2] == Array(input[plain.user])
                && outcome.command == .alloc(AllocArguments(campaign: 1, user: 2, isFull: false)),
            "at a glance it is another command")
    }

    /// Goal: what a server replies does not depend on how the network cuts it.
    @Sendable private static func reply(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let limits = options.has(0) ? smallReplies : ReplyLimits.standard
        let body = options.body
        let whole = ReplyFeed.replies(body, limits: limits)
        try FuzzFinding.expect(
            whole == ReplyFeed.replies(body, cuts: [options.cut(of: body.count)], limits: limits),
            "cut in two the replies are others")
        if body.count <= 64 {
            try FuzzFinding.expect(
                whole == ReplyFeed.replies(body, cuts: Array(0..<body.count), limits: limits),
                "byte by byte the replies are others")
        }
    }
}
