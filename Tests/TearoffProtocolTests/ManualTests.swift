import Foundation
import Testing

@testable import TearoffProtocol

@Suite("docs/PROTOCOL.md says what the code does")
struct ManualTests {
    private static let manual: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try? String(contentsOf: root.appending(path: "docs/PROTOCOL.md"), encoding: .utf8)
    }()

    /// The lines of the chapter `## title`.
    private func chapter(_ title: String) throws -> [Substring] {
        let lines = try #require(Self.manual).split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "## \(title)"))
        let rest = lines[(start + 1)...]
        return Array(rest.prefix { !$0.hasPrefix("## ") })
    }

    /// Goal: no command is missing and none is invented. Method: headings against the table, in its order;
    /// the syntax lines of each section are exactly the table's.
    @Test func everyCommandHasItsSection() throws {
        let lines = try chapter("Commands")
        var sections: [String: [String]] = [:]
        var order: [String] = []
        for line in lines {
            if line.hasPrefix("### ") {
                order.append(String(line.dropFirst(4)))
            } else if let name = order.last {
                sections[name, default: []].append(String(line))
            }
        }
        #expect(order == CommandID.allCases.map(\.rawValue))
        for entry in CommandTable.all {
            let section = sections[entry.id.rawValue] ?? []
            let syntax = section.filter { $0.hasPrefix("    ") }.map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            #expect(Array(syntax.prefix(entry.syntax.count)) == entry.syntax)
            #expect(section.contains { $0.hasPrefix("Reply: ") }, "\(entry.id)")
            #expect(section.contains { $0.hasPrefix("Errors: ") }, "\(entry.id)")
            #expect(section.contains("```text"), "\(entry.id)")
            #expect(section.filter { $0.hasPrefix("Role: ") } == ["Role: \(entry.need.text)"], "\(entry.id)")
        }
    }

    /// Goal: no error word is missing, invented or explained otherwise. Method: the table's rows, exactly.
    @Test func everyErrorWordHasItsRow() throws {
        let rows = try chapter("Errors").filter { $0.hasPrefix("| `") }.map(String.init)
        #expect(rows == ErrorWord.allCases.map { "| `\($0.rawValue)` | \($0.meaning) | \($0.whatToDo) |" })
    }

    /// Goal: the errors named with a command exist. Method: every capital word in backticks of its line.
    @Test func errorsNamedWithCommandsExist() throws {
        let known = Set(ErrorWord.allCases.map(\.rawValue))
        for line in try chapter("Commands") where line.hasPrefix("Errors: ") {
            let words = line.split(separator: "`").enumerated().filter { !$0.offset.isMultiple(of: 2) }
            for word in words { #expect(known.contains(String(word.element)), "\(line)") }
        }
    }

    /// Goal: the limits are those in force. Method: the first columns of the table from the code's values.
    @Test func everyLimitHasItsRow() throws {
        let rows = try chapter("Limits").filter { $0.hasPrefix("| ") }.dropFirst(2).map(String.init)
        let (standard, before) = (DecoderLimits.standard, DecoderLimits.unauthenticated)
        let days = ArgumentLimits.windowMillisecondsMax / 86_400_000
        let expected = [
            " | \(standard.inlineLineBytes) bytes | \(before.inlineLineBytes) bytes | `PROTOCOL` |",
            " | \(standard.bulkBytes) bytes | \(before.bulkBytes) bytes | `PROTOCOL` |",
            " | \(standard.uploadChunkBytes) bytes | \(before.uploadChunkBytes) bytes | `PROTOCOL` |",
            " | \(standard.argumentCount) | \(before.argumentCount) | `PROTOCOL` |",
            " | \(standard.commandBytes) bytes | \(before.commandBytes) bytes | `PROTOCOL` |",
            " | \(ArgumentLimits.manyUsersMax) | \(before.manyArgumentCount - 2) | `PROTOCOL` |",
            " | \(standard.manyCommandBytes) bytes | \(before.manyCommandBytes) bytes | `PROTOCOL` |",
            " | \(ArgumentLimits.nameBytes) bytes | | `SYNTAX` |",
            " | \(ArgumentLimits.valueBytes) bytes | | `SYNTAX` |",
            " | \(ArgumentLimits.dateBytes) bytes | | `SYNTAX` |",
            " | \(ArgumentLimits.filenameBytes) bytes | | `SYNTAX` |",
            " | \(days) days | | `SYNTAX` |",
            " | \(ArgumentLimits.holdMillisecondsMax / 86_400_000) days | | `SYNTAX` |",
            " | \(ArgumentLimits.codesPerWindowMax) | | `SYNTAX` |",
            " | \(ArgumentLimits.daysMax) days | | `SYNTAX` |",
            " | \(ArgumentLimits.overflowLists) | | `SYNTAX` |",
            " | \(ArgumentLimits.cursorBytes) bytes | | `SYNTAX` |",
            " | \(ArgumentLimits.columnsBytes) bytes | | `SYNTAX` |",
            " | \(ArgumentLimits.errorRowsMax) | | `SYNTAX` |",
            " | \(ArgumentLimits.uploadRowsMax) | | `SYNTAX` |",
            " | \(ArgumentLimits.auditRowsMax) | | `SYNTAX` |",
            " | \(ArgumentLimits.feedRowsMax) | | `SYNTAX` |",
            " | \(ArgumentLimits.feedBlockMillisecondsMax) milliseconds | | `SYNTAX` |",
            " | \(ArgumentLimits.passwordBytes.upperBound) bytes | | `SYNTAX` |",
            " | \(ArgumentLimits.reachPatterns) | | `SYNTAX` |",
        ]
        #expect(rows.count == expected.count)
        for (row, end) in zip(rows, expected) { #expect(row.hasSuffix(end)) }
    }

    /// Goal: words are stable and clean. Method: capitals only, each once, each explained.
    @Test func errorWordsAreCapitalsAndUnique() {
        let words = ErrorWord.allCases.map(\.rawValue)
        #expect(Set(words).count == words.count)
        #expect(words.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5A } })
    }
}
