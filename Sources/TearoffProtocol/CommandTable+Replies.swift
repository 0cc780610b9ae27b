/// The replies of `COMMAND` and its subcommands, in the shapes of Redis 7.
extension CommandTable {
    /// `COMMAND`, and `COMMAND INFO` without names.
    package static func writeAll(to writer: inout ReplyWriter) {
        writer.array(topLevelNames.count)
        for name in topLevelNames { writeInfo(name, to: &writer) }
    }

    package static func writeCount(to writer: inout ReplyWriter) {
        writer.integer(Int64(topLevelNames.count))
    }

    package static func writeList(to writer: inout ReplyWriter) {
        writer.array(topLevelNames.count)
        for name in topLevelNames { writer.bulk(name.lowercased()) }
    }

    /// `COMMAND INFO name ...`: an entry for each name, null for an unknown one.
    package static func writeInfo(_ names: [String], to writer: inout ReplyWriter) {
        guard !names.isEmpty else { return writeAll(to: &writer) }
        writer.array(names.count)
        for name in names { writeInfo(name, to: &writer) }
    }

    /// `COMMAND DOCS name ...`: a map of the known names; without names of all.
    package static func writeDocs(_ names: [String], to writer: inout ReplyWriter) {
        let known = names.isEmpty ? topLevelNames : names.filter(isKnown)
        writer.map(known.count)
        for name in known {
            writer.bulk(wireName(name))
            let parent = name.uppercased()
            let children = containsSubcommands(parent) ? subcommands(of: parent) : []
            writeDocs(entry(named: name), name, children, to: &writer)
        }
    }

    /// `COMMAND GETKEYS`: the keys, given as indexes into the command's own arguments.
    ///
    /// - Parameter bytes: what ``CommandDecoder/source`` names.
    package static func writeKeys(
        _ keys: [Int], of decoder: CommandDecoder, bytes: Span<UInt8>, to writer: inout ReplyWriter
    ) {
        writer.array(keys.count)
        for key in keys { writer.bulk(bytes.extracting(decoder.argument(key))) }
    }

    private static func wireName(_ name: String) -> String {
        name.lowercased().replacing(" ", with: "|")
    }

    private static func containsSubcommands(_ name: String) -> Bool {
        containers.contains(name) || name == CommandID.command.rawValue
    }

    private static func isKnown(_ name: String) -> Bool {
        containers.contains(name.uppercased()) || entry(named: name) != nil
    }

    private static func writeInfo(_ name: String, to writer: inout ReplyWriter) {
        guard isKnown(name) else { return writer.null() }
        let parent = name.uppercased()
        writeInfo(
            entry(named: name), name, containsSubcommands(parent) ? subcommands(of: parent) : [], to: &writer)
    }

    /// `entry` is nil for a command that only gathers subcommands.
    private static func writeInfo(
        _ entry: CommandEntry?, _ name: String, _ children: [CommandEntry], to writer: inout ReplyWriter
    ) {
        let key = Int64(entry?.keyIndex ?? 0)
        let flags = entry?.flags ?? []
        writer.array(10)
        writer.bulk(wireName(name))
        writer.integer(Int64(entry?.arity ?? -2))
        writer.set(flags.count)
        for flag in flags { writer.simple(flag.rawValue) }
        writer.integer(key)
        writer.integer(key)
        writer.integer(key > 0 ? 1 : 0)
        writer.set(flags.count)
        for flag in flags { writer.simple("@\(flag.rawValue)") }
        writer.array(0)
        writeKeySpecifications(entry, to: &writer)
        writer.array(children.count)
        for child in children { writeInfo(child, child.clientName, [], to: &writer) }
    }

    private static func writeKeySpecifications(_ entry: CommandEntry?, to writer: inout ReplyWriter) {
        guard let entry, entry.keyIndex > 0 else { return writer.array(0) }
        writer.array(1)
        writer.map(3)
        writer.bulk("flags")
        writer.set(2)
        writer.simple(entry.flags.contains(.write) ? "RW" : "RO")
        writer.simple("ACCESS")
        writer.bulk("begin_search")
        writer.map(2)
        writer.bulk("type")
        writer.bulk("index")
        writer.bulk("spec")
        writer.map(1)
        writer.bulk("index")
        writer.integer(Int64(entry.keyIndex))
        writer.bulk("find_keys")
        writer.map(2)
        writer.bulk("type")
        writer.bulk("range")
        writer.bulk("spec")
        writer.map(3)
        for (name, value) in [("lastkey", 0), ("keystep", 1), ("limit", 0)] {
            writer.bulk(name)
            writer.integer(Int64(value))
        }
    }

    private static func writeDocs(
        _ entry: CommandEntry?, _ name: String, _ children: [CommandEntry], to writer: inout ReplyWriter
    ) {
        let summary = entry?.summary ?? "A container for \(name.lowercased()) commands."
        writer.map(children.isEmpty ? 3 : 4)
        writer.bulk("summary")
        writer.bulk(summary + (entry.map { " " + $0.syntax.joined(separator: " | ") } ?? ""))
        writer.bulk("since")
        writer.bulk(since(entry?.id))
        writer.bulk("group")
        writer.bulk(entry?.group ?? children.first?.group ?? "server")
        guard !children.isEmpty else { return }
        writer.bulk("subcommands")
        writer.map(children.count)
        for child in children {
            writer.bulk(child.clientName)
            writeDocs(child, child.clientName, [], to: &writer)
        }
    }
}
