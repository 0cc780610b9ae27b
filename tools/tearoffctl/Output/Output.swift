import Foundation

/// Shows what was asked for, as text or as JSON.
struct Output {
    let isJSON: Bool

    /// One record, a line for each of its values.
    func show(_ record: Record) {
        Terminal.data(isJSON ? Self.json(record.dictionary) : Self.lines(record))
    }

    /// Many records of the same names, as a table.
    ///
    /// - Parameters:
    ///   - columns: those that the table shows; JSON has all.
    ///   - cuts: those that are cut on a screen that is too narrow, the least important first.
    ///   - none: what to say when there are no records.
    func show(_ records: [Record], columns: [String], cuts: [String] = [], none: String) {
        if isJSON { return Terminal.data(Self.json(records.map(\.dictionary))) }
        guard !records.isEmpty else { return Terminal.words(none) }
        Terminal.data(Table(columns: columns, rows: records, cuts: cuts, screenWidth: Terminal.screenSize?.width).text)
    }

    /// Says that a change was made. JSON is for data, so it stays silent.
    func done(_ text: String) {
        if !isJSON { Terminal.words(text) }
    }

    static func lines(_ record: Record) -> String {
        let width = record.fields.map(\.name.count).max() ?? 0
        return record.fields.map { field in
            field.name + String(repeating: " ", count: width - field.name.count) + "  " + field.cell.shown
        }.joined(separator: "\n")
    }

    /// With sorted keys, so that the same answer is the same text.
    ///
    /// - Parameter isLine: on a line of its own, as one of many; else indented.
    static func json(_ value: some Encodable, isLine: Bool = false) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !isLine { encoder.outputFormatting.insert(.prettyPrinted) }
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            preconditionFailure("texts, numbers and booleans are always JSON: \(error)")
        }
    }
}
