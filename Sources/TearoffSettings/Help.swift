import TearoffServer

/// What `tearoffd --help` prints.
package enum Help {
    package static var text: String {
        let options = Option.all.map { option in
            "  \(option.flag)\(placeholder(option.value))\n"
                + wrapped("\(option.help) Standard: \(option.standard).", indent: 6)
        }
        let codes = ExitCode.allCases.map { code in
            "  \(String(repeating: " ", count: 3 - String(code.rawValue).count))\(code.rawValue)  \(code.meaning)"
        }
        return """
            tearoffd \(Server.version): hands out coupon codes, each to one user, durable before the reply.

            USAGE
              tearoffd [options]

            EXAMPLES
              tearoffd                                   serve ./tearoff-data on 127.0.0.1:7071
              tearoffd --data /var/lib/tearoff --expect-data
              tearoffd --config tearoff.json --threads 4
              TEAROFF_LISTEN=127.0.0.1:7100 tearoffd
              redis-cli -p 7071 ALLOC summer user-1      ask it for a code

            OPTIONS (a flag goes before the environment, the environment before the file)
            \(options.joined(separator: "\n"))
              --help, --version

              Every option is also an environment variable: \(Option.snapshotLogMib.flag) is \(Option.snapshotLogMib.variable).

            SIGNALS
              SIGTERM, SIGINT: finish what is in flight, sync, seal, exit 0; a second one exits at once.
              SIGHUP: read the TLS certificate and key again, for new connections.

            EXIT CODES
            \(codes.joined(separator: "\n"))

            """
    }

    private static func placeholder(_ value: Option.Value) -> String {
        switch value {
        case .text(let placeholder): " \(placeholder)"
        case .number(let range): " \(range.lowerBound)..\(range.upperBound)"
        case .toggle: ""
        case .choice(let words): " \(words.joined(separator: "|"))"
        }
    }

    /// Lines of at most 100 columns.
    private static func wrapped(_ text: String, indent: Int) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count + 1 > 100 - indent { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines.map { String(repeating: " ", count: indent) + $0 }.joined(separator: "\n")
    }
}
