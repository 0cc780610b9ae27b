extension ExportArguments {
    /// `EXPORT BEGIN list [GIVEN|FREE|ALL] [CAMPAIGN name] [AFTER date] [UNTIL date] [SINCE cursor]
    /// [UPLOAD upload] [FORMAT csv|jsonl] [COLUMNS names]`, the options in any order.
    init(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) {
        self.init(list: try decoder.name(2, bytes, called: "list"))
        var seen: Set<String> = []
        var index = 3
        while index < decoder.argumentCount {
            var option = decoder.word(index, bytes)
            if let selection = Self.selection(option) {
                self.selection = selection
                option = "GIVEN|FREE|ALL"
                index += 1
            } else {
                guard Self.options.contains(option) else {
                    throw .unknownOption(decoder.escaped(index, bytes), of: .exportBegin)
                }
                guard index + 1 < decoder.argumentCount else { throw .wrongArgumentCount(.exportBegin) }
                try set(option, at: index + 1, decoder, bytes)
                index += 2
            }
            guard seen.insert(option).inserted else { throw .duplicateOption(option, of: .exportBegin) }
        }
    }

    private static let options = ["CAMPAIGN", "AFTER", "UNTIL", "SINCE", "UPLOAD", "FORMAT", "COLUMNS"]

    private static func selection(_ word: String) -> Selection? {
        switch word {
        case "GIVEN": .given
        case "FREE": .free
        case "ALL": .all
        default: nil
        }
    }

    private mutating func set(
        _ option: String, at index: Int, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) {
        switch option {
        case "CAMPAIGN": campaign = try decoder.name(index, bytes, called: "campaign")
        case "AFTER": after = try decoder.date(index, bytes)
        case "UNTIL": until = try decoder.date(index, bytes)
        case "SINCE":
            since = try decoder.text(index, bytes, called: "cursor", lengths: 1...ArgumentLimits.cursorBytes)
        case "UPLOAD":
            upload = try decoder.number(index, bytes, called: "upload", in: 0...UInt64(Int64.max))
        case "COLUMNS":
            columns = try decoder.text(index, bytes, called: "names", lengths: 1...ArgumentLimits.columnsBytes)
        default:
            switch decoder.word(index, bytes) {
            case "CSV": isJSONLines = false
            case "JSONL": isJSONLines = true
            default: throw .invalidArgument(name: "format", rule: "csv or jsonl")
            }
        }
    }
}
