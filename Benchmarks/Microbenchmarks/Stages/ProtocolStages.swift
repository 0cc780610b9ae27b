import TearoffProtocol

extension Stage {
    static let protocolStages = [
        // One `ALLOC` of the 64 that a client sent at once: its arguments' places, and what they mean.
        Stage("parse") { _ in
            let input = pipelined(64)
            var decoder = CommandDecoder()
            return { operations in try parse(operations, of: input.span, with: &decoder) }
        },
        // The same recognised at a glance, as nearly every client sends it.
        Stage("parse-plain") { _ in
            let input = pipelined(64)
            return { operations in parsePlain(operations, of: input.span) }
        },
        // The code as a bulk string, behind the replies before it.
        Stage("reply") { _ in
            let code = Array("SUMMER-4711".utf8)
            var writer = ReplyWriter()
            return { operations in reply(operations, with: code.span, into: &writer) }
        },
    ]

    // The loops are functions of their own where they change what a body keeps: opened once, as by a
    // connection's read, and not at each operation.

    private static func parse(
        _ operations: Int, of bytes: Span<UInt8>, with decoder: inout CommandDecoder
    ) throws {
        var start = 0
        var parsed = 0
        for _ in 0..<operations {
            guard case .command(let end) = try decoder.decode(bytes, from: start) else { break }
            let command = bytes.extracting(start..<end)
            if decoder.isAlloc(command) {
                let arguments = try AllocArguments(decoder, command)
                parsed += decoder.argument(arguments.user).count
            }
            start = end == bytes.count ? 0 : end
        }
        precondition(parsed == operations * 36, "users of \(parsed) bytes in \(operations) commands")
    }

    private static func parsePlain(_ operations: Int, of bytes: Span<UInt8>) {
        var start = 0
        var parsed = 0
        for _ in 0..<operations {
            guard let command = PlainAlloc(bytes, from: start) else { break }
            parsed += command.user.count
            start = command.end == bytes.count ? 0 : command.end
        }
        precondition(parsed == operations * 36, "users of \(parsed) bytes in \(operations) commands")
    }

    /// What 64 replies fill is sent, and emptied.
    private static func reply(_ operations: Int, with code: Span<UInt8>, into writer: inout ReplyWriter) {
        var bytes = 0
        for index in 1...operations {
            writer.bulk(code)
            if index & 63 == 0 || index == operations {
                bytes += writer.bytes.count
                writer.removeAll()
            }
        }
        precondition(bytes == operations * 18, "\(bytes) bytes in \(operations) replies")
    }

    private static func pipelined(_ commands: Int) -> [UInt8] {
        let users = Users(0..<commands)
        var bytes: [UInt8] = []
        for index in 0..<commands {
            bytes += Array("*3\r\n$5\r\nALLOC\r\n$8\r\ncampaign\r\n$36\r\n".utf8)
            bytes += users.text[users.range(index)]
            bytes += Array("\r\n".utf8)
        }
        return bytes
    }
}
