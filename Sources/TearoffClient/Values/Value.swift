import TearoffProtocol

extension TearoffClient {
    /// A reply as ``TearoffClient/send(_:)`` gives it. The typed commands need none of this.
    public enum Value: Sendable, Hashable {
        /// A status such as `OK`.
        case status(String)
        case integer(Int64)
        case bytes([UInt8])
        case null
        case boolean(Bool)
        case double(Double)
        /// An array or a set.
        case array([Value])
        /// In the order sent.
        case map([Pair])
        /// An error inside an array; a reply that is an error is thrown.
        case error(TearoffError)

        /// A key of a map and its value.
        public struct Pair: Sendable, Hashable {
            /// Mostly a text.
            public let key: Value
            /// What stands behind the key.
            public let value: Value
        }

        /// The text of a status or of bytes that are UTF-8; nil for all else.
        public var text: String? {
            switch self {
            case .status(let text): text
            case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
            default: nil
            }
        }

        /// The value behind `key` of a map; nil if it is no map or has no such key.
        public subscript(key: String) -> Value? {
            guard case .map(let pairs) = self else { return nil }
            return pairs.first { $0.key.text == key }?.value
        }
    }
}

extension TearoffClient.Value {
    init(_ reply: Reply) {
        switch reply {
        case .simple(let text): self = .status(text)
        case .error(let text): self = .error(TearoffError(reply: text))
        case .integer(let value): self = .integer(value)
        case .bulk(let bytes), .verbatim(_, let bytes): self = .bytes(bytes)
        case .bigNumber(let digits): self = .bytes([UInt8](digits.utf8))
        case .null: self = .null
        case .boolean(let value): self = .boolean(value)
        case .double(let value): self = .double(value)
        case .array(let elements), .set(let elements), .push(let elements):
            self = .array(elements.map(Self.init))
        case .map(let pairs):
            self = .map(pairs.map { Pair(key: Self($0.key), value: Self($0.value)) })
        }
    }
}
