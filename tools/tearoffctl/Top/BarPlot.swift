/// Values as bars from the bottom up, the newest at the right; where there is no value, nothing. Pure.
struct BarPlot {
    private static let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let eighths = 8

    let values: [Double?]
    let width: Int
    let height: Int
    let isASCII: Bool

    /// What the top of the plot stands for: 1, 2 or 5 times a power of ten, so that it seldom changes.
    var scale: Double {
        let highest = values.suffix(width).compactMap { $0 }.max() ?? 0
        var scale = 1.0
        while scale < highest {
            for step in [2.0, 2.5, 2.0] where scale < highest { scale *= step }
        }
        return scale
    }

    /// As many as it is high, each as wide as it is.
    var lines: [String] {
        let (scale, shown) = (scale, values.suffix(width))
        let filled = shown.map { value in
            value.map { Int(($0 / scale * Double(height * Self.eighths)).rounded(.up)) }
        }
        let margin = String(repeating: " ", count: width - shown.count)
        return (0..<height).reversed().map { row in
            margin + String(filled.map { cell($0, row: row) })
        }
    }

    private func cell(_ filled: Int?, row: Int) -> Character {
        let level = min(max((filled ?? 0) - row * Self.eighths, 0), Self.eighths)
        if isASCII { return level > 4 ? "#" : level > 0 ? "." : " " }
        return Self.blocks[level]
    }
}
