/// Why a line of an upload is no code. On disk by its number, so a case may be added at the end, and none may change.
package enum LineFault: UInt8, CaseIterable, Comparable, Sendable {
    case invalidUTF8, comma, whitespace, control, tooLong, duplicateInFile, duplicateInList, inOtherList
    /// Of an import only.
    case columns, user, campaign, time, future

    /// Those of a file of codes alone.
    package static let ofCodes = allCases.filter { $0 < .columns }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

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
        case .inOtherList: "the code is in another list"
        case .columns: "not the four columns code,user,campaign,given_at"
        case .user: "the user is empty or longer than \(Limits.userBytes) bytes"
        case .campaign: "no such campaign, or one that does not draw from this list"
        case .time: "the time is neither ISO 8601 with a zone nor milliseconds since 1970"
        case .future: "the time has not come yet"
        }
    }
}

/// A line that is no code, by its number in the file (from 1).
package struct BadLine: Equatable, Sendable {
    package let line: UInt64
    /// Of ``LineFault/inOtherList``: which. Before the fault, so that a line takes 16 bytes.
    package let otherList: ListID?
    package let fault: LineFault

    package init(line: UInt64, fault: LineFault, otherList: ListID? = nil) {
        self.line = line
        self.fault = fault
        self.otherList = otherList
    }
}

/// What an upload's lines came to.
package struct UploadCounts: Equatable, Sendable {
    package var codes: UInt64 = 0
    package var leftOut = LinesLeftOut()

    package init() {}
}

/// Where a code stands already.
package enum EarlierCode: Equatable, Sendable {
    case inList
    case inOtherList(ListID)

    package var fault: LineFault {
        switch self {
        case .inList: .duplicateInList
        case .inOtherList: .inOtherList
        }
    }

    var otherList: ListID? {
        switch self {
        case .inList: nil
        case .inOtherList(let list): list
        }
    }
}
