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
                let blanks = String(repeating: " ", count: widths[index] - text.count)
                return isNumeric[index] ? blanks + text : text + blanks
            }
            var joined = padded.joined(separator: "  ")
            while joined.hasSuffix(" ") { joined.removeLast() }
            return joined
        }.joined(separator: "\n")
    }
}
