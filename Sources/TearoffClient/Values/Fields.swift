import Foundation
import TearoffProtocol

/// Reads the map of one reply. A key that is missing or of another kind makes the reply invalid; keys that
/// this client does not know are left alone, since a newer server may have more.
struct Fields {
    private let values: [String: Reply]

    init(_ reply: Reply) throws(TearoffError) {
        guard let pairs = reply.pairs else { throw .invalid("no map") }
        var values: [String: Reply] = [:]
        for pair in pairs {
            guard let key = pair.key.text else { throw .invalid("a key that is no text") }
            values[key] = pair.value
        }
        self.values = values
    }

    func text(_ key: String) throws(TearoffError) -> String {
        guard let text = try optionalText(key) else { throw Self.missing(key) }
        return text
    }

    func optionalText(_ key: String) throws(TearoffError) -> String? {
        switch values[key] {
        case .null?, nil: return nil
        // A user may be any bytes: what is no UTF-8 is shown as well as it can be.
        case .bulk(let bytes)?: return String(decoding: bytes, as: UTF8.self)
        case .simple(let text)?: return text
        default: throw Self.missing(key)
        }
    }

    /// Whether there is a value that is not null.
    func has(_ key: String) -> Bool {
        switch values[key] {
        case .null?, nil: false
        default: true
        }
    }

    func records<Record>(
        _ key: String, _ read: (Fields) throws(TearoffError) -> Record
    ) throws(TearoffError) -> [Record] {
        guard let value = values[key] else { throw Self.missing(key) }
        return try value.records(read)
    }

    func integer(_ key: String) throws(TearoffError) -> Int {
        guard let value = try optionalInteger(key) else { throw Self.missing(key) }
        return value
    }

    func optionalInteger(_ key: String) throws(TearoffError) -> Int? {
        switch values[key] {
        case .null?, nil: return nil
        case .integer(let value)?: return Int(value)
        default: throw Self.missing(key)
        }
    }

    func boolean(_ key: String) throws(TearoffError) -> Bool {
        guard let value = try optionalBoolean(key) else { throw Self.missing(key) }
        return value
    }

    func optionalBoolean(_ key: String) throws(TearoffError) -> Bool? {
        switch values[key] {
        case .null?, nil: return nil
        case .boolean(let value)?: return value
        case .integer(let value)?: return value != 0
        default: throw Self.missing(key)
        }
    }

    func time(_ key: String) throws(TearoffError) -> Date {
        guard let time = try optionalTime(key) else { throw Self.missing(key) }
        return time
    }

    func optionalTime(_ key: String) throws(TearoffError) -> Date? {
        guard let text = try optionalText(key) else { return nil }
        guard let date = ServerTime.date(text) else { throw Self.missing(key) }
        return date
    }

    private static func missing(_ key: String) -> TearoffError {
        .invalid("`\(key)` is missing or of another kind")
    }
}

extension Reply {
    /// The elements of an array, each read as a map.
    func records<Record>(
        _ read: (Fields) throws(TearoffError) -> Record
    ) throws(TearoffError) -> [Record] {
        guard case .array(let elements) = self else { throw .invalid("no array") }
        var records: [Record] = []
        records.reserveCapacity(elements.count)
        for element in elements { records.append(try read(Fields(element))) }
        return records
    }

    /// The text of a status or a bulk string.
    func requiredText() throws(TearoffError) -> String {
        guard let text else { throw .invalid("no text") }
        return text
    }

    func requiredInteger() throws(TearoffError) -> Int {
        guard case .integer(let value) = self else { throw .invalid("no integer") }
        return Int(value)
    }

    func requireOK() throws(TearoffError) {
        guard self == .simple("OK") else { throw .invalid("not OK") }
    }
}
