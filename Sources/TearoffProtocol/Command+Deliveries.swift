/// The operator's commands on who is told of warnings, and on what is sent.
extension Command {
    /// `LIST RECIPIENT name ADD EMAIL address`, `ADD WEBHOOK url [SECRET secret]`, `REMOVE address` or `TEST`.
    static func listRecipient(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let list = try decoder.name(2, bytes)
        let count = decoder.argumentCount
        switch (decoder.word(3, bytes), count) {
        case ("TEST", 4): return .recipientTest(list: list)
        case ("REMOVE", 5): return .recipientRemove(list: list, address: try address(decoder, bytes, at: 4))
        case ("ADD", 6...):
            return .recipientAdd(list: list, try recipient(decoder, bytes))
        case ("ADD", _), ("REMOVE", _), ("TEST", _): throw .wrongArgumentCount(.listRecipient)
        default: throw .unknownOption(decoder.escaped(3, bytes), of: .listRecipient)
        }
    }

    /// No error shows an argument: a misplaced word here may be the secret.
    private static func recipient(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> RecipientArgument {
        let count = decoder.argumentCount
        switch (decoder.word(4, bytes), count) {
        case ("EMAIL", 6): return .email(try address(decoder, bytes, at: 5))
        case ("WEBHOOK", 6): return .webhook(url: try address(decoder, bytes, at: 5), secret: nil)
        case ("WEBHOOK", 8) where decoder.word(6, bytes) == "SECRET":
            let secret = try decoder.text(
                7, bytes, called: "secret", lengths: 1...ArgumentLimits.secretBytes)
            return .webhook(url: try address(decoder, bytes, at: 5), secret: secret)
        case ("EMAIL", _), ("WEBHOOK", _): throw .wrongArgumentCount(.listRecipient)
        default: throw .invalidArgument(name: "kind", rule: "EMAIL address or WEBHOOK url [SECRET secret]")
        }
    }

    private static func address(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> String {
        try decoder.text(index, bytes, called: "address", lengths: 1...ArgumentLimits.addressBytes)
    }

    /// `DELIVERY RETRY number|ALL`.
    static func deliveryRetry(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        if decoder.word(2, bytes) == "ALL" { return .deliveryRetry(nil) }
        return .deliveryRetry(try decoder.number(2, bytes, called: "number", in: 1...UInt64(Int64.max)))
    }
}

extension WarningArgument {
    /// - Parameter option: `WARNPERCENT`, `WARNHOURS` or `WARNDAYS`; its value stands at `index`.
    init(
        _ option: String, at index: Int, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) {
        let isNever = decoder.word(index, bytes) == "NEVER"
        switch option {
        case "WARNPERCENT":
            let percent = try isNever ? nil : decoder.number(index, bytes, called: "percent", in: 1...99)
            self = .percent(percent.map(UInt32.init))
        case "WARNHOURS":
            let range = 1...ArgumentLimits.warnHoursMax
            let hours = try isNever ? nil : decoder.number(index, bytes, called: "hours", in: range)
            self = .hours(hours.map(UInt32.init))
        default:
            if decoder.word(index, bytes) == "DEFAULT" {
                self = .days(nil)
            } else {
                self = .days(isNever ? [] : try Self.days(index, decoder, bytes))
            }
        }
    }

    private static func days(
        _ index: Int, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> [UInt32] {
        let most = ArgumentLimits.warnDaysCount
        let text = try decoder.text(index, bytes, called: "days", lengths: 1...most * 5)
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        let days = Set(words.compactMap { UInt32($0) }).sorted(by: >)
        guard days.count == words.count, days.count <= most, let longest = days.first, let shortest = days.last,
            shortest >= 1, longest <= ArgumentLimits.daysMax
        else {
            throw .invalidArgument(
                name: "days",
                rule: "NEVER, DEFAULT, or different numbers from 1 to \(ArgumentLimits.daysMax) with commas between "
                    + "them, \(most) at most")
        }
        return days
    }
}
