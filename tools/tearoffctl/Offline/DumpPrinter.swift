import Foundation
import TearoffCore
import TearoffLog
import TearoffOffline

/// Writes a dump of the log line by line, in memory that does not grow with it.
struct DumpPrinter {
    private let isJSON: Bool
    private var buffer = Data()
    /// Where the item stands that is shown: each line of JSON says so itself.
    private var place: [String: Cell] = [:]
    /// Bytes that are written at once.
    private static let bufferBytes = 64 << 10

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    mutating func show(_ item: LogDump.Item) throws(Failure) {
        let record = Record(item)
        guard isJSON else { return try append(Self.line(item, record)) }
        switch item {
        case .segment(let header):
            place = ["lane": .text("\(header.id.lane)"), "segment": Cell(header.id.number.rawValue)]
        case .frame(let frame): place["frame"] = Cell(frame.header.frame.rawValue)
        case .record: break
        // Its file says it, and perhaps no segment was begun.
        case .damage: return try append(Output.json(record, isLine: true))
        }
        try append(Output.json(record.dictionary.merging(place) { own, _ in own }, isLine: true))
    }

    private mutating func append(_ line: String) throws(Failure) {
        buffer.append(contentsOf: line.utf8)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    mutating func flush() throws(Failure) {
        do {
            try FileHandle.standardOutput.write(contentsOf: buffer)
        } catch {
            throw Failure(.file, "standard output cannot be written: \(Failure.reason(error))")
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

// MARK: - As text

extension DumpPrinter {
    private static func line(_ item: LogDump.Item, _ record: Record) -> String {
        switch item {
        case .segment(let header):
            return "\(header.id)  \(header.segmentBytes) bytes in blocks of \(header.blockBytes), made "
                + Timestamp(milliseconds: header.createdMilliseconds).iso8601
        case .frame: return "  " + pairs(record.fields.dropFirst())
        case .record: return "    " + pairs(record.fields.dropFirst())
        case .damage(let problem): return "  DAMAGE \(problem)"
        }
    }

    /// The first value alone, then names and values; those of about the same size stand below each other.
    private static func pairs(_ fields: ArraySlice<(name: String, cell: Cell)>) -> String {
        let words = fields.enumerated().compactMap { index, field -> String? in
            if field.cell == .none { return nil }
            let padded = Table.padded(
                field.cell.shown, to: width(of: field.name), isNumber: field.cell.isNumber)
            return index == 0 || field.name == "at" ? padded : "\(field.name) \(padded)"
        }
        var line = words.joined(separator: "  ")
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    private static func width(of name: String) -> Int {
        switch name {
        case "kind": 10
        case "offset", "sequence", "ordinal": 7
        case "frame", "durable-through", "stored", "payload", "records": 6
        case "shard", "campaign", "upload", "revision": 3
        case "form": 4
        default: 0
        }
    }
}
