import Foundation
import TearoffClient

/// One value of a record.
enum Cell: Equatable {
    case text(String)
    case integer(Int)
    case boolean(Bool)
    case time(Date)
    case none

    init(_ text: String?) { self = text.map { .text($0) } ?? .none }
    init(_ time: Date?) { self = time.map { .time($0) } ?? .none }
    init(_ integer: Int?) { self = integer.map { .integer($0) } ?? .none }

    /// As a table shows it.
    var shown: String {
        switch self {
        case .text(let text): Self.printable(text)
        case .integer(let value): "\(value)"
        case .boolean(let value): value ? "yes" : "no"
        case .time(let date): ServerTime.text(date)
        case .none: "-"
        }
    }

    var isNumber: Bool {
        if case .integer = self { true } else { false }
    }

    /// A user's key may hold anything: nothing of it may move the cursor or break the table.
    private static func printable(_ text: String) -> String {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
            ? text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : String($0) }
                .joined()
            : text
    }
}

extension Cell: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .time(let date): try container.encode(ServerTime.text(date))
        case .none: try container.encodeNil()
        }
    }
}

/// Named values in the order in which a person reads them. The names are the protocol's, and the keys in
/// JSON.
struct Record: Equatable {
    let fields: [(name: String, cell: Cell)]

    init(_ fields: KeyValuePairs<String, Cell>) { self.init(head: fields, [:]) }

    init(head: KeyValuePairs<String, Cell>, _ rest: KeyValuePairs<String, Cell>) {
        self.init(fields: (Array(head) + Array(rest)).map { (name: $0.key, cell: $0.value) })
    }

    private init(fields: [(name: String, cell: Cell)]) { self.fields = fields }

    func adding(_ name: String, _ cell: Cell) -> Record {
        Record(fields: fields + [(name: name, cell: cell)])
    }

    func without(_ names: Set<String>) -> Record {
        Record(fields: fields.filter { !names.contains($0.name) })
    }

    /// Only those that there are.
    init(present fields: KeyValuePairs<String, Cell>) {
        self.fields = fields.filter { $0.value != .none }.map { (name: $0.key, cell: $0.value) }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.fields.elementsEqual(right.fields) { $0.name == $1.name && $0.cell == $1.cell }
    }

    subscript(name: String) -> Cell { fields.first { $0.name == name }?.cell ?? .none }

    /// JSON sorts the keys, so their order here does not matter.
    var dictionary: [String: Cell] {
        Dictionary(fields.map { ($0.name, $0.cell) }, uniquingKeysWith: { first, _ in first })
    }
}
