import TearoffFuzzing
import Testing

@testable import TearoffProtocol

@Suite("Hostile input: every byte string ends in a command, an error, or a wish for more")
struct FuzzTests {
    /// Goal: no crash, no hang, and no dependence on cuts. Method: 200,000 seeded mutations of the samples,
    /// each whole and cut in two; a trap or a decoder that does not advance fails the run.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func mutatedCommandsNeverCrashTheDecoder(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let seeds = Samples.commands.flatMap { [Feed.resp($0.arguments), Samples.inline($0.arguments)] }
        for round in 0..<50_000 {
            var input = seeds[random.next(below: seeds.count)]
            if random.next(below: 4) == 0 { input += seeds[random.next(below: seeds.count)] }
            for _ in 0...random.next(below: 4) { mutate(&input, &random) }
            let whole = Feed.steps(input)
            let split = Feed.steps(input, cuts: [random.next(below: input.count + 1)])
            guard whole == split else {
                Issue.record("SEED=\(seed) round \(round): \(input)")
                return
            }
        }
    }

    /// Goal: the client's side as well. Method: 200,000 seeded mutations of encoded replies.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func mutatedRepliesNeverCrashTheDecoder(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let seeds = ReplyRoundTripTests.samples.map { Array($0.wire.utf8) }
        for round in 0..<50_000 {
            var input = seeds[random.next(below: seeds.count)] + seeds[random.next(below: seeds.count)]
            for _ in 0...random.next(below: 4) { mutate(&input, &random) }
            let whole = ReplyFeed.replies(input)
            let split = ReplyFeed.replies(input, cuts: [random.next(below: input.count + 1)])
            guard whole == split else {
                Issue.record("SEED=\(seed) round \(round): \(input)")
                return
            }
        }
    }

    /// Goal: the short way never says anything that the decoder would not. Method: 200,000 seeded mutations of two
    /// `ALLOC`s; whatever is recognised must be what the decoder and the parser make of it, standing in the middle
    /// of other bytes.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func whatIsRecognisedAtAGlanceIsWhatTheDecoderReads(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var recognised = 0
        for round in 0..<50_000 {
            let user = String(repeating: "u", count: 1 + random.next(below: 260))
            let campaign = String(repeating: "c", count: 1 + random.next(below: 66))
            let before = [UInt8](repeating: 0x2A, count: random.next(below: 20))
            var input = before + Feed.resp(["ALLOC", campaign, user]) + Feed.resp(["ALLOC", "c", "v"])
            for _ in 0..<random.next(below: 3) { mutate(&input, &random) }
            guard let plain = PlainAlloc(input.span, from: min(before.count, input.count)) else { continue }
            recognised += 1
            var decoder = CommandDecoder()
            guard case .command(let end) = try decoder.decode(input.span, from: before.count) else {
                Issue.record("SEED=\(seed) round \(round): \(input)")
                return
            }
            let command = Array(input[before.count..<end])
            let arguments = try AllocArguments(decoder, command.span)
            let same =
                plain.end == end && !arguments.isFull && arguments.userID == nil
                && input[plain.campaign] == command[decoder.argument(arguments.campaign)]
                && input[plain.user] == command[decoder.argument(arguments.user)]
            guard same else {
                Issue.record("SEED=\(seed) round \(round): \(input)")
                return
            }
        }
        #expect(recognised > 10_000)
    }

    private static let telling = Array("*$+-:_#,(!=%~>|0123456789\r\n\"'\\ x\u{0}".utf8)

    /// One of: a byte replaced, put in, taken out, doubled, or the tail cut off.
    private func mutate(_ input: inout [UInt8], _ random: inout SplitMix64) {
        guard !input.isEmpty else { return input.append(Self.telling[0]) }
        let place = random.next(below: input.count)
        let byte =
            random.next(below: 2) == 0
            ? UInt8(truncatingIfNeeded: random.next()) : Self.telling[random.next(below: Self.telling.count)]
        switch random.next(below: 5) {
        case 0: input[place] = byte
        case 1: input.insert(byte, at: place)
        case 2: input.remove(at: place)
        case 3: input.insert(input[place], at: place)
        default: input.removeSubrange(place...)
        }
    }
}
