import Foundation

/// The users of `alloc --users`, one a line: UTF-8, with or without a byte order mark, lines ended by LF or CR LF.
struct UserFile: Sendable {
    /// What is wrong with a line.
    enum Fault: String {
        case tooLong = "more than 255 bytes"
        case notUTF8 = "not UTF-8"
    }

    let path: String
    let byteCount: UInt64
    /// Blank lines up to the user that was read last.
    private(set) var blank = 0
    private var lines: LineReader
    private var lineNumber = 0
    /// A user who was read and is to be read again.
    private var returned: String?

    private static let userBytes = 255
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(path: String) throws(Failure) {
        self.path = path
        do {
            // It is read twice, so it cannot be a pipe.
            let values = try URL(filePath: path).resourceValues(forKeys: [.isRegularFileKey])
            guard values.isRegularFile == true else { throw Failure(.file, "\(path) is not a regular file.") }
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            byteCount = try handle.seekToEnd()
            try handle.seek(toOffset: 0)
            // Room for the mark and a CR.
            lines = LineReader(handle, path: path, bytesMaximum: Self.userBytes + 4)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.file, "\(path) cannot be read: \(Failure.reason(error))")
        }
    }

    /// Bytes of the file up to the user that was read last.
    var offset: UInt64 { lines.offset }

    /// The next user; nil at the end.
    ///
    /// - Throws: ``Failure`` also for a bad line, which ``check(path:)`` would have told.
    mutating func next() throws(Failure) -> String? {
        if let user = returned.take() { return user }
        switch try nextLine() {
        case nil: return nil
        case .success(let user): return user
        case .failure(let bad): throw Failure(.badLines, "\(path) was changed meanwhile: \(bad)")
        }
    }

    mutating func putBack(_ user: String) { returned = user }

    private struct BadLine: Error, CustomStringConvertible {
        let number: Int
        let fault: Fault
        var description: String { "line \(number): \(fault.rawValue)" }
    }

    private mutating func nextLine() throws(Failure) -> Result<String, BadLine>? {
        while let line = try lines.next() {
            lineNumber += 1
            var bytes = line.bytes[...]
            if lineNumber == 1, bytes.starts(with: Self.mark) { bytes = bytes.dropFirst(Self.mark.count) }
            if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
            if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
                blank += 1
                continue
            }
            guard bytes.count <= Self.userBytes else {
                return .failure(BadLine(number: lineNumber, fault: .tooLong))
            }
            guard let user = String(validating: bytes, as: UTF8.self) else {
                return .failure(BadLine(number: lineNumber, fault: .notUTF8))
            }
            return .success(user)
        }
        return nil
    }

    /// Reads the whole file before any user is given anything.
    ///
    /// - Throws: ``Failure`` with ``Exit/badLines`` for bad lines, and when there is no user.
    static func check(path: String) throws(Failure) {
        var file = try UserFile(path: path)
        var (users, bad) = (0, 0)
        while let line = try file.nextLine() {
            switch line {
            case .success: users += 1
            case .failure(let line):
                if bad < BadLineReport.shownMaximum { Terminal.words("  \(line)") }
                bad += 1
            }
        }
        if bad > 0 {
            throw Failure(
                .badLines, "\(path) has \(BadLineReport.count(bad, "bad line")). Nobody was given a code.")
        }
        if users == 0 { throw Failure(.badLines, "\(path) has no user.") }
    }
}
