/// Aligned columns: numbers to the right, all else to the left.
struct Table {
    let columns: [String]
    let rows: [Record]
    /// Columns that may be cut or left out where the table is wider than the screen, the least important first.
    var cuts: [String] = []
    /// Of the screen; nil where nobody looks at one.
    var screenWidth: Int?

    /// A column is never cut to less: shorter texts tell nothing.
    private static let cutMinimum = 6

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
        widths = fitted(widths)
        let lines = [titles] + cells.map { $0.map(\.shown) }
        return lines.map { line in
            let padded = line.enumerated().filter { widths[$0.offset] > 0 }.map { index, text in
                Self.padded(Self.cut(text, to: widths[index]), to: widths[index], isNumber: isNumeric[index])
            }
            var joined = padded.joined(separator: "  ")
            while joined.hasSuffix(" ") { joined.removeLast() }
            return joined
        }.joined(separator: "\n")
    }

    /// The widths at which the columns fit the screen; 0 for those that are left out, since there is no room for
    /// them.
    private func fitted(_ widths: [Int]) -> [Int] {
        guard let screenWidth else { return widths }
        var widths = widths
        let cuttable = cuts.compactMap { columns.firstIndex(of: $0) }
        func least(_ column: Int) -> Int { min(widths[column], max(Self.cutMinimum, columns[column].count)) }
        func excess() -> Int {
            widths.reduce(0) { $0 + ($1 > 0 ? $1 + Self.gap : 0) } - Self.gap - screenWidth
        }
        for column in cuttable where excess() > cuttable.reduce(0, { $0 + widths[$1] - least($1) }) {
            widths[column] = 0
        }
        for column in cuttable where excess() > 0 {
            widths[column] -= min(excess(), widths[column] - least(column))
        }
        return widths
    }

    private static let gap = 2

    private static func cut(_ text: String, to width: Int) -> String {
        text.count > width ? text.prefix(width - 1) + "…" : text
    }

    /// The text with blanks to that width; as it is when it is wider.
    static func padded(_ text: String, to width: Int, isNumber: Bool) -> String {
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return isNumber ? blanks + text : text + blanks
    }
}
