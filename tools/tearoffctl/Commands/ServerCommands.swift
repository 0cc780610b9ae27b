import ArgumentParser
import TearoffClient

struct PingCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Shows that the server answers.",
        discussion: """
            Waits up to a minute for a server that is recovering its data:

              tearoffctl ping --wait 60
            """)

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.ping()
        if output.isJSON { output.show(Record(["answer": .text("PONG")])) } else { Terminal.data("PONG") }
    }
}

struct InfoCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Figures about the server.",
        discussion: """
            All of them, or one section:

              tearoffctl info
              tearoffctl info server
            """)

    @Argument(help: "The section; all if there is none.")
    var section: String?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let text = try await client.info(section: section)
        let lines = text.split(whereSeparator: \.isNewline)
        guard output.isJSON else { return Terminal.data(lines.joined(separator: "\n")) }
        Terminal.data(Output.json(Self.sections(lines)))
    }

    /// `# Section` lines and `name:value` lines.
    static func sections(_ lines: [Substring]) -> [String: [String: String]] {
        var sections: [String: [String: String]] = [:]
        var name = ""
        for line in lines {
            if line.hasPrefix("# ") {
                name = line.dropFirst(2).lowercased()
                sections[name] = sections[name] ?? [:]
            } else if let colon = line.firstIndex(of: ":") {
                sections[name, default: [:]][String(line[..<colon])] = String(
                    line[line.index(after: colon)...])
            }
        }
        return sections
    }

    /// All figures of the text of `INFO` by their names, whatever their section.
    static func figures(_ info: String) -> [String: String] {
        sections(info.split(whereSeparator: \.isNewline)).values
            .reduce(into: [:]) { $0.merge($1) { first, _ in first } }
    }
}

struct SnapshotWriteCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "write", abstract: "Writes a snapshot of the whole state while the server goes on.",
        discussion: "Ends when the snapshot is on disk and verified.")

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.snapshot()))
    }
}

struct ShutdownCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown", abstract: "Ends the server cleanly.",
        discussion: """
            The server finishes what is in flight, syncs and seals its log. Since it
            ends for everybody, the command wants to hear it twice:

              tearoffctl shutdown --server 127.0.0.1:7071 --yes
            """)

    @Flag(help: "Yes, end it.")
    var yes = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard yes else { throw ValidationError("This ends the server for everybody: add --yes.") }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.shutdown()
        output.done("The server has ended.")
    }
}
