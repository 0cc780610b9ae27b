/// One setting of a campaign as `CAMPAIGN CREATE` and `CAMPAIGN SET` tell it; nil (`NONE`) takes it away.
package enum CampaignEditArgument: Equatable, Sendable {
    /// 1 to 255 bytes.
    case test([UInt8]?)
    case quota(UInt64?)
    case quotaPerDay(UInt64?)
    case rate(UInt64?)
    /// A date as text, not looked into.
    case start(String?)
    case end(String?)
    case validity(UInt32?)
    /// Names of lists; none takes the setting away.
    case overflow([String])

    /// The words that begin a setting.
    static let words: Set<String> = ["TEST", "QUOTA", "DAYQUOTA", "RATE", "START", "END", "VALIDITY", "OVERFLOW"]

    /// `TEST text`, `QUOTA n`, `DAYQUOTA n`, `RATE n`, `START date`, `END date`, `VALIDITY days` or
    /// `OVERFLOW list[,list…]`, each also with `NONE`.
    ///
    /// - Parameter index: of the value.
    init(
        _ word: String, at index: Int, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) {
        let isNone = decoder.word(index, bytes) == "NONE"
        let window = 1...ArgumentLimits.codesPerWindowMax
        switch word {
        case "TEST":
            self = .test(isNone ? nil : decoder.bytes(try decoder.checkedIndex(index, called: "text"), bytes))
        case "QUOTA":
            self = .quota(
                isNone ? nil : try decoder.number(index, bytes, called: "n", in: 1...UInt64(UInt32.max)))
        case "DAYQUOTA":
            self = .quotaPerDay(isNone ? nil : try decoder.number(index, bytes, called: "n", in: window))
        case "RATE": self = .rate(isNone ? nil : try decoder.number(index, bytes, called: "n", in: window))
        case "START": self = .start(isNone ? nil : try decoder.date(index, bytes))
        case "END": self = .end(isNone ? nil : try decoder.date(index, bytes))
        case "VALIDITY":
            let days = try isNone ? nil : decoder.number(index, bytes, called: "days", in: 1...ArgumentLimits.daysMax)
            self = .validity(days.map(UInt32.init))
        case "OVERFLOW": self = .overflow(isNone ? [] : try Self.lists(index, decoder, bytes))
        default: preconditionFailure("\(word) is no setting of a campaign")
        }
    }

    private static func lists(
        _ index: Int, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> [String] {
        let most = ArgumentLimits.overflowLists * (ArgumentLimits.nameBytes + 1)
        let text = try decoder.text(index, bytes, called: "lists", lengths: 1...most)
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.count <= ArgumentLimits.overflowLists,
            names.allSatisfy({ $0.utf8.count <= ArgumentLimits.nameBytes && $0.utf8.allSatisfy(ASCII.isNameByte) }),
            !names.contains("")
        else {
            throw .invalidArgument(
                name: "lists", rule: "names of lists with commas between them, \(ArgumentLimits.overflowLists) at most")
        }
        return names
    }
}

/// One setting of a list as `LIST SET` tells it, beside its name, expiry and warning; nil (`NONE`) takes it away.
package enum ListEditArgument: Equatable, Sendable {
    case perUser(UInt32?)
    case otherLists(refuses: Bool)
    case stopDays(UInt32?)
}
