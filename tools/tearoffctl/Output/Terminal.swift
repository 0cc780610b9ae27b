import Foundation

/// The two ways out: data for the next program, words for the person.
enum Terminal {
    static func data(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func words(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Writes over the line where the cursor stands, and stays on it.
    static func rewriteLine(_ text: String) { FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8)) }

    /// Whether a person can be asked, and sees the question.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && wordsAreSeenLive }

    static var wordsAreSeenLive: Bool { isatty(STDERR_FILENO) == 1 }
}
