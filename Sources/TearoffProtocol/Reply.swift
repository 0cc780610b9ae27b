/// One reply of a server, in RESP2 or RESP3.
package enum Reply: Equatable, Sendable {
    case simple(String)
    /// The whole text: the stable word, a blank, and text for a person. Also RESP3's long form.
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    case null
    case array([Reply])
    /// In the order sent. A RESP2 server sends an array instead: see ``pairs``.
    case map([ReplyPair])
    case boolean(Bool)
    case double(Double)
    /// Decimal digits, perhaps with a sign.
    case bigNumber(String)
    /// `format` has three letters, such as `txt`.
    case verbatim(format: String, text: [UInt8])
    case set([Reply])
    case push([Reply])

    /// The text of a simple string, bulk string or verbatim string; nil if it is none or not UTF-8.
    package var text: String? {
        switch self {
        case .simple(let text): text
        case .bulk(let bytes), .verbatim(_, let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// A map in either version: RESP3's own, or RESP2's array of keys and values. Nil for all else.
    package var pairs: [ReplyPair]? {
        switch self {
        case .map(let pairs): return pairs
        case .array(let flat) where flat.count.isMultiple(of: 2):
            return stride(from: 0, to: flat.count, by: 2).map {
                ReplyPair(key: flat[$0], value: flat[$0 + 1])
            }
        default: return nil
        }
    }

    /// The value behind the key `name` of a map, in either version; nil if it is no map or has no such key.
    package subscript(name: String) -> Reply? {
        pairs?.first { $0.key.text == name }?.value
    }
}

/// A key of a map and its value.
package struct ReplyPair: Equatable, Sendable {
    package let key: Reply
    package let value: Reply

    package init(key: Reply, value: Reply) {
        self.key = key
        self.value = value
    }
}

/// Why bytes are no reply. The connection can only be closed: no later boundary is known.
package enum ReplyError: Error, Equatable, Sendable {
    /// No reply begins with this byte.
    case unknownType(UInt8)
    /// A length or a number that is not of its form.
    case invalidNumber
    case invalidBoolean
    case invalidNull
    /// A verbatim string without its three letters and colon.
    case invalidVerbatim
    /// A bulk string is not followed by CR LF, or a line holds a lone CR.
    case missingLineEnd
    case invalidUTF8
    /// A limit of ``ReplyLimits`` was passed; the value is the limit in force.
    case lineTooLong(limit: Int)
    case bulkTooLong(limit: Int)
    case tooManyElements(limit: Int)
    case tooDeep(limit: Int)
    case replyTooLong(limit: Int)
}
