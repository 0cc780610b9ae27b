/// Who is told of a list's warnings.
package struct Recipient: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case email
        /// What is sent is signed with the secret.
        case webhook(secret: [UInt8])
    }

    /// An e-mail address or a URL; of a list's recipients no two have the same.
    package let address: String
    package let kind: Kind

    private init(address: String, kind: Kind) {
        self.address = address
        self.kind = kind
    }

    /// nil for what is no address that a mail can be sent to, or could be taken for more than one, or for a header.
    package static func email(_ address: String) -> Recipient? {
        let parts = address.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.count <= 253 }),
            isPrintable(address, maximum: Limits.emailBytes, without: "<>()[],;:\\\"")
        else { return nil }
        return Recipient(address: address, kind: .email)
    }

    /// nil for what is no URL of `http` or `https`, or has a user or password in it, or a secret of another length than
    /// ``Limits/webhookSecretBytes``.
    package static func webhook(_ url: String, secret: [UInt8]) -> Recipient? {
        guard isPrintable(url, maximum: Limits.webhookBytes, without: "<>\"\\^`{|}#"),
            let host = ["http://", "https://"].first(where: url.hasPrefix).map({ url.dropFirst($0.count) }),
            let authority = host.split(whereSeparator: { "/?".contains($0) }).first,
            host.first == authority.first, !authority.hasPrefix(":"), !authority.contains("@"),
            Limits.webhookSecretBytes.contains(secret.count)
        else { return nil }
        return Recipient(address: url, kind: .webhook(secret: secret))
    }

    private static func isPrintable(_ text: String, maximum: Int, without excluded: String) -> Bool {
        (1...maximum).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !excluded.utf8.contains($0) }
    }

    package var secret: [UInt8]? {
        if case .webhook(let secret) = kind { secret } else { nil }
    }

    /// For log lines and the audit trail: many webhooks have a key of their own in the path or the query.
    package var shown: String { Self.shown(address) }

    package static func shown(_ address: String) -> String {
        guard let scheme = address.firstRange(of: "://"),
            let path = address[scheme.upperBound...].firstIndex(where: { "/?".contains($0) })
        else { return address }
        return address[..<path] + "/***"
    }
}

/// When the recipients of a list are told, beside its ``List/warnAt`` and when it is empty or expired. Nothing is set
/// at first.
package struct ListWarnings: Hashable, Sendable {
    /// No more than this part of the codes that were uploaded, and not withdrawn, is free: 1 to 99.
    package internal(set) var percent: UInt32?
    /// It will be empty within so many hours.
    package internal(set) var hoursLeft: UInt32?
    /// So many days before it expires, most first; nil: the usual ones.
    package internal(set) var expiryDays: [UInt32]?

    package init(percent: UInt32? = nil, hoursLeft: UInt32? = nil, expiryDays: [UInt32]? = nil) {
        self.percent = percent
        self.hoursLeft = hoursLeft
        self.expiryDays = expiryDays
    }
}

/// One of a list's warnings to be changed; nil takes it away, of the days: has the usual ones again.
package enum WarningEdit: Hashable, Sendable {
    case percent(UInt32?)
    case hoursLeft(UInt32?)
    case expiryDays([UInt32]?)
}
