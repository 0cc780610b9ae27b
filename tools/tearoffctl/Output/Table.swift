/// Aligned columns: numbers to the right, all else to the left.
struct Table {
    let columns: [String]
    let rows: [Record]

    var text: String {
        let cells = rows.map { row in columns.map { row[$0] } }
        let titles = columns.map { $0.uppercased() }
        var widths = titles.map(\.count)
        var isNumeric = columns.map { _ in false }
        for row in cells {
            for (index, cell) in row.enumerated() {
                widths[index] = max(widths[index], cell.shown.count)
                isNumeric[index] = isNumeric[index] || cell.isNumber
            }
        }
        let lines = [titles] + cells.map { $0.map(\.shown) }
        return lines.map { line in
            let padded = line.enumerated().map { index, text in
                Self.padded(text, to: widths[index], isNumber: isNumeric[index])
            }
            var joined = padded.joined(separator: "  ")
            while joined.hasSuffix(" ") { joined.removeLast() }
            return joined
        }.joined(separator: "\n")
    }

    /// The text with blanks to that width; as it is when it is wider.
    static func padded(_ text: String, to width: Int, isNumber: Bool) -> String {
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return isNumber ? blanks + text : text + blanks
    }
}
