import Foundation
import Testing

@testable import tearoffctl

@Suite("tearoffctl's tables align, and its JSON is the same text for the same answer")
struct OutputTests {
    /// Goal: numbers to the right, texts to the left, no blanks at the end. Method: two rows of different
    /// widths.
    @Test func numbersStandRight() {
        let rows = [
            Record(["name": .text("june"), "free": .integer(99_998), "note": .none]),
            Record(["name": .text("ten-off"), "free": .integer(5), "note": .text("x")]),
        ]
        #expect(
            Table(columns: ["name", "free", "note"], rows: rows).text == """
                NAME      FREE  NOTE
                june     99998  -
                ten-off      5  x
                """)
    }

    /// Goal: a user's key cannot move the cursor or break a line. Method: an escape and a line end.
    @Test func controlCharactersAreNotShown() {
        #expect(Cell.text("a\u{1B}[2Jb\nc").shown == "a?[2Jb?c")
    }

    /// Goal: keys are sorted, null is null, and times are the protocol's text. Method: one of each kind.
    @Test func jsonHasStableKeys() {
        let record = Record([
            "name": .text("a/\"b\""), "count": .integer(3), "low": .boolean(true), "reason": .none,
            "at": .time(Date(timeIntervalSince1970: 1_780_302_600.125)),
        ])
        #expect(
            Output.json(record.dictionary) == #"""
                {
                  "at" : "2026-06-01T08:30:00.125Z",
                  "count" : 3,
                  "low" : true,
                  "name" : "a/\"b\"",
                  "reason" : null
                }
                """#)
    }

    /// Goal: the server's figures become JSON by section. Method: two sections and a value with a colon.
    @Test func figuresAreCutIntoSections() {
        let sections = InfoCommand.sections(["# Server", "version:1.0", "address:[::1]:7071", "", "# Log"])
        #expect(sections == ["server": ["version": "1.0", "address": "[::1]:7071"], "log": [:]])
    }
}
