package import TearoffProtocol

/// A command as a test sees it: what was parsed, and the bytes of its arguments.
package struct Outcome: Equatable {
    package var arguments: [[UInt8]]
    package var command: Command?
    package var error: CommandError?

    package init(arguments: [[UInt8]], command: Command? = nil, error: CommandError? = nil) {
        self.arguments = arguments
        self.command = command
        self.error = error
    }
}

/// One step of a decoder: a command, or the end of the stream's sense.
package enum Step: Equatable {
    case outcome(Outcome)
    case unbalancedQuotes
    case failed(ProtocolError)
}

/// All commands that come out of a stream in pieces.
package enum Feed {
    /// Everything that comes out when `input` arrives in pieces ending at `cuts` (ascending) and at its end.
    package static func steps(
        _ input: [UInt8], cuts: [Int] = [], limits: DecoderLimits = .standard
    ) -> [Step] {
        var decoder = CommandDecoder(limits: limits)
        var steps: [Step] = []
        var start = 0
        for cut in cuts + [input.count] {
            let seen = [UInt8](input[..<cut])
            do {
                while true {
                    let result = try decoder.decode(seen.span, from: start)
                    if case .needMore = result { break }
                    switch result {
                    case .needMore: break
                    case .command(let end):
                        steps.append(.outcome(outcome(decoder, seen, start, end)))
                        start = end
                    case .unbalancedQuotes(let end):
                        steps.append(.unbalancedQuotes)
                        start = end
                    }
                }
            } catch {
                return steps + [.failed(error)]
            }
        }
        return steps
    }

    private static func outcome(
        _ decoder: CommandDecoder, _ input: [UInt8], _ start: Int, _ end: Int
    ) -> Outcome {
        let bytes = decoder.source == .input ? [UInt8](input[start..<end]) : decoder.unescaped
        let arguments = (0..<decoder.argumentCount).map { [UInt8](bytes[decoder.argument($0)]) }
        guard !arguments.isEmpty else { return Outcome(arguments: []) }
        do throws(CommandError) {
            let command = try Command(parsing: decoder, bytes: bytes.span)
            return Outcome(arguments: arguments, command: command)
        } catch {
            return Outcome(arguments: arguments, error: error)
        }
    }

    /// The RESP form of `arguments`.
    package static func resp(_ arguments: [String]) -> [UInt8] {
        var writer = CommandWriter()
        writer.command(arguments)
        return writer.bytes
    }

    /// The only command of `input`, or its error.
    package static func single(_ input: [UInt8]) -> Outcome? {
        let steps = steps(input)
        guard steps.count == 1, case .outcome(let outcome) = steps[0] else { return nil }
        return outcome
    }
}

/// All replies that come out of a stream in pieces, and the error that ended it.
package enum ReplyFeed {
    package struct Result: Equatable {
        package var replies: [String]
        package var error: ReplyError?

        package init(replies: [String] = [], error: ReplyError? = nil) {
            self.replies = replies
            self.error = error
        }
    }

    package static func replies(
        _ input: [UInt8], cuts: [Int] = [], limits: ReplyLimits = .standard
    ) -> Result {
        var decoder = ReplyDecoder(limits: limits)
        var result = Result()
        var start = 0
        for cut in cuts + [input.count] {
            let seen = [UInt8](input[..<cut])
            do throws(ReplyError) {
                while let (reply, end) = try decoder.decode(seen.span, from: start) {
                    // As text, because a NaN is unlike itself.
                    result.replies.append("\(reply)")
                    start = end
                }
            } catch {
                result.error = error
                return result
            }
        }
        return result
    }
}
