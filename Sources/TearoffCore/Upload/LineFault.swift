/// Why a line of an upload is no code.
package enum LineFault: UInt8, CaseIterable, Sendable {
    case invalidUTF8, comma, whitespace, control, tooLong, duplicateInFile, duplicateInList

    /// The reason as an operator reads it; never the code itself.
    package var reason: String {
        switch self {
        case .invalidUTF8: "invalid UTF-8"
        case .comma: "a comma"
        case .whitespace: "white space in the line"
        case .control: "a control character"
        case .tooLong: "longer than \(Limits.codeBytes) bytes"
        case .duplicateInFile: "the same code stands earlier in the file"
        case .duplicateInList: "the code is in the list already"
        }
    }
}

/// A line that is no code, by its number in the file (from 1).
package struct BadLine: Equatable, Sendable {
    package let line: UInt64
    package let fault: LineFault

    package init(line: UInt64, fault: LineFault) {
        self.line = line
        self.fault = fault
    }
}

/// What an upload's lines came to.
package struct UploadCounts: Equatable, Sendable {
    package var codes: UInt64 = 0
    package var blank: UInt64 = 0
    private var faults = [UInt64](repeating: 0, count: LineFault.allCases.count)

    package init() {}

    package subscript(_ fault: LineFault) -> UInt64 {
        get { faults[Int(fault.rawValue)] }
        set { faults[Int(fault.rawValue)] = newValue }
    }

    package var bad: UInt64 { faults.reduce(0, +) }
}
