import Foundation

/// A terminal while a live view has it: another screen than the one before, no cursor, and keys that count without
/// Enter. All is as it was when this ends.
struct LiveScreen: ~Copyable {
    private let before: termios

    /// - Returns: nil where standard input or output is no terminal.
    init?() {
        var settings = termios()
        // SAFETY: the call fills the one value that it is given.
        guard isatty(STDOUT_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        // SAFETY: it only reads the value.
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        Self.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    deinit {
        Self.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        // SAFETY: as above. Where the terminal has gone, nothing is left to be put back.
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Line by line over what was there, so that nothing flickers.
    func show(_ lines: [String]) {
        Self.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    private static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
