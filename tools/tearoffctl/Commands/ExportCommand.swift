import ArgumentParser
import Foundation
import TearoffClient

/// `csv` or `jsonl`.
struct FormatArgument: ExpressibleByArgument {
    let format: TearoffClient.ExportQuery.Format

    init?(argument: String) {
        guard let format = TearoffClient.ExportQuery.Format(rawValue: argument) else { return nil }
        self.format = format
    }
}

/// Names of columns with commas between them.
struct ColumnsArgument: ExpressibleByArgument {
    let columns: [TearoffClient.ExportQuery.Column]

    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        columns = words.compactMap(TearoffClient.ExportQuery.Column.init)
        if columns.count != words.count { return nil }
    }
}

struct ExportCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes a list's codes, and who has them, to a file or a pipe.",
        discussion: """
            The list as it is at this instant, while the server goes on:

              tearoffctl export june --out june-given.csv
              tearoffctl export june --all --columns coupon-code,status --format jsonl
              tearoffctl export june --after 2026-05-31 --until 2026-06-30

            Columns: coupon-code, external-id, user-id, coupon-given-date,
            coupon-expiry-date (these five unless told otherwise), campaign, status.

            CSV has a head line; a cell that a spreadsheet would take for a formula begins
            with an apostrophe. JSON Lines have every cell as it is.

            The last line on standard error is a cursor: with --since, a later export has
            only what was given behind this one.

              tearoffctl export june --since 1f.2a.0.3b >> june-given.csv
            """)

    @Argument(help: "The list's name.")
    var list: String

    @Flag(help: "Codes that users have for good (the default).")
    var given = false

    @Flag(help: "Codes that are still to be had.")
    var free = false

    @Flag(help: "All codes: given, held, withdrawn, burned and free.")
    var all = false

    @Option(help: "Only what this campaign gave.")
    var campaign: String?

    @Option(help: ArgumentHelp("Only what was given behind the end of this day, or this time.", valueName: "date"))
    var after: String?

    @Option(help: ArgumentHelp("Only what was given up to the end of this day, or this time.", valueName: "date"))
    var until: String?

    @Option(help: ArgumentHelp("Only what was given behind an earlier export.", valueName: "cursor"))
    var since: String?

    @Option(help: ArgumentHelp("Only codes of this upload, as `list uploads` tells it.", valueName: "upload"))
    var upload: Int?

    @Option(help: ArgumentHelp("How it is written.", valueName: "csv|jsonl"))
    var format: FormatArgument?

    @Option(help: ArgumentHelp("Which columns, in which order.", valueName: "names"))
    var columns: ColumnsArgument?

    @Option(help: ArgumentHelp("Writes there; the file appears when it is whole.", valueName: "file"))
    var out: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        if [given, free, all].count(where: { $0 }) > 1 {
            throw ValidationError("Only one of --given, --free and --all.")
        }
    }

    private var query: TearoffClient.ExportQuery {
        TearoffClient.ExportQuery(
            selection: all ? .all : free ? .free : .given, campaign: campaign, after: after, until: until,
            since: since, upload: upload, format: format?.format ?? .csv, columns: columns?.columns)
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let export = try await client.beginExport(list: list, query)
        let rows = try await Self.save(export, to: out, format: query.format)
        Terminal.words("\(BadLineReport.count(rows, "row")) as of \(ServerTime.text(export.at)).")
        Terminal.words("--since \(export.cursor)")
    }

    /// Writes the whole export, or nothing to a file.
    ///
    /// - Parameter path: nil: to standard output.
    /// - Returns: rows written.
    static func save(
        _ export: TearoffClient.Export, to path: String?, format: TearoffClient.ExportQuery.Format
    ) async throws -> Int {
        let file = try ExportFile(path: path)
        let heads = format == .csv ? 1 : 0
        do {
            let rows = try await Interruption.race(
                { try await write(export, to: file) - heads },
                interrupted: {
                    throw Failure(.interrupted, "\nInterrupted\(path.map { ": \($0) was not written" } ?? "").")
                })
            try file.finish()
            return rows
        } catch {
            file.discard()
            throw error
        }
    }

    /// Counting byte by byte would take longer than all else that is done with a piece.
    private static func lines(in piece: [UInt8]) -> Int {
        // SAFETY: each search begins within the bytes and knows how many are left, and no address leaves.
        unsafe piece.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            var (lines, place) = (0, 0)
            while let end = unsafe memchr(start + place, Int32(UInt8(ascii: "\n")), bytes.count - place) {
                lines += 1
                place = unsafe UnsafeRawPointer(end) - start + 1
            }
            return lines
        }
    }

    /// - Returns: lines written.
    private static func write(_ export: TearoffClient.Export, to file: ExportFile) async throws -> Int {
        var display = ProgressDisplay(
            LoadProgress(name: "export", noun: "rows", totalBytes: nil), isLive: Terminal.wordsAreSeenLive)
        var (bytes, lines) = (0, 0)
        while let piece = try await export.next() {
            try file.write(piece)
            bytes += piece.count
            lines += Self.lines(in: piece)
            display.update(bytes: bytes, lines: lines)
        }
        display.finish()
        return lines
    }
}

/// Where an export goes: a file that gets its name when it is whole; or standard output, a pipe or a device.
struct ExportFile: Sendable {
    private let path: String?
    private let handle: FileHandle
    /// The name that a file has meanwhile; nil for what is not a file, which must stay what it is.
    private let unfinished: String?

    init(path: String?) throws(Failure) {
        self.path = path
        guard let path else {
            handle = .standardOutput
            unfinished = nil
            return
        }
        if let other = FileHandle(forWritingAtPath: path), !Self.isFile(other) {
            handle = other
            unfinished = nil
            return
        }
        let unfinished = path + ".part"
        // What an export that was cut short has left goes, and so does what somebody else has put there to be written
        // through, or to read along. SAFETY: the string lives as long as the call.
        _ = unsafe unlink(unfinished)
        handle = try FileHandle.ofCodes(unfinished, flags: O_EXCL)
        self.unfinished = unfinished
    }

    private static func isFile(_ handle: FileHandle) -> Bool {
        var status = stat()
        // SAFETY: the call fills the one status that it is given.
        return unsafe fstat(handle.fileDescriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    func write(_ bytes: [UInt8]) throws(Failure) {
        do {
            try handle.write(contentsOf: bytes)
        } catch {
            throw Failure(.file, "\(path ?? "standard output") cannot be written: \(Failure.reason(error))")
        }
    }

    func finish() throws(Failure) {
        guard let path, let unfinished else { return }
        do {
            try handle.synchronize()
            // Also over a file that is there, at once: Foundation's move refuses that, and its replacing needs one.
            // SAFETY: both strings live as long as the call.
            guard unsafe rename(unfinished, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            throw Failure(.file, "\(path) cannot be written: \(Failure.reason(error))")
        }
    }

    func discard() {
        if let unfinished { try? FileManager.default.removeItem(atPath: unfinished) }
    }
}
