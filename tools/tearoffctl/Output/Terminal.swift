import Foundation

/// The two ways out: data for the next program, words for the person.
enum Terminal {
    static func data(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func words(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Writes over the line where the cursor stands, and stays on it.
    static func rewriteLine(_ text: String) { FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8)) }

    /// Whether a person can be asked, and sees the question.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && wordsAreSeenLive }

    /// Asks for what must not be seen: it is typed without an echo.
    ///
    /// - Throws: ``Failure`` when there is nobody to ask, or Ctrl-C is the answer.
    static func secret(_ question: String) throws(Failure) -> String {
        guard canAsk else {
            throw Failure(.usage, "There is no password, and no terminal to ask at: give a file with it.")
        }
        var silent = termios()
        // SAFETY: the calls fill and read the one value that they are given.
        guard unsafe tcgetattr(STDIN_FILENO, &silent) == 0 else {
            throw Failure(.usage, "The terminal does not let its echo be turned off: give a file with the password.")
        }
        var usual = silent
        // Ctrl-C ends the line instead of the process, which would leave the terminal without its echo.
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        unsafe withUnsafeMutableBytes(of: &silent.c_cc) { unsafe $0[Int(VEOL)] = interruptCharacter }
        // Before the question, since it drops what was typed until then.
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        FileHandle.standardError.write(Data(question.utf8))
        defer {
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual)
            words("")
        }
        // A terminal gives one line at a time.
        let line = FileHandle.standardInput.availableData
        if line.last == interruptCharacter { throw Failure(.interrupted, "Interrupted: nothing was changed.") }
        return String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private static let interruptCharacter: UInt8 = 3

    /// Columns and lines of the terminal that the data goes to; nil when it goes somewhere else, or tells none.
    static var screenSize: (width: Int, height: Int)? {
        var size = winsize()
        // SAFETY: the call fills the one value that it is given.
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return nil
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static var wordsAreSeenLive: Bool { isatty(STDERR_FILENO) == 1 }
}
