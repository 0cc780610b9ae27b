import ArgumentParser
import TearoffClient

extension TearoffClient.Upload {
    /// Sends a file and shows how far that is.
    ///
    /// - Parameters:
    ///   - noun: what a line is.
    ///   - judge: asks what the whole comes to.
    func send(
        _ source: CodeFile, noun: String, judge: @Sendable () async throws -> TearoffClient.UploadReport
    ) async throws -> TearoffClient.UploadReport {
        var display = ProgressDisplay(
            LoadProgress(name: source.name, noun: noun, totalBytes: source.byteCount),
            isLive: Terminal.wordsAreSeenLive)
        // Also when it breaks off: the reason would stand behind the bar else.
        defer { display.finish() }
        var lines = 0
        while let chunk = try await source.next() {
            try await send(chunk)
            lines += chunk.count { $0 == UInt8(ascii: "\n") }
            display.update(bytes: bytesReceived, lines: lines)
        }
        display.wait(for: "the server checks it")
        return try await judge()
    }
}

/// A file of lines on its way into a list, and what is to become of it.
struct FileForList: ParsableArguments {
    @Argument(help: "The list's name.")
    var name: String

    @Argument(help: "The file, or - for standard input.")
    var file: String

    @Flag(help: "Take the good lines and leave the bad ones out.")
    var skipBad = false

    @Flag(help: "Judge the file as if to take it, and keep nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("Write every bad line's number and reason there, as CSV.", valueName: "file"))
    var report: String?

    /// Sends the file, has it judged, and tells what became of it.
    ///
    /// - Parameters:
    ///   - noun: what a line is.
    ///   - judge: asks what the whole comes to.
    func send(
        _ noun: String, _ output: Output, begin: (_ fileName: String) async throws -> TearoffClient.Upload,
        judge: @escaping @Sendable (TearoffClient.Upload) async throws -> TearoffClient.UploadReport
    ) async throws {
        // Both files are opened first: what cannot be read or written shows before anything is sent.
        let source = try CodeFile(path: file)
        let reportFile = try report.map { path throws(Failure) in try BadLineFile(path: path) }
        let upload = try await begin(source.name)
        let outcome = try await Interruption.race(
            { try await upload.send(source, noun: noun) { try await judge(upload) } },
            interrupted: {
                try await upload.abort()
                throw Failure(.interrupted, "\nInterrupted: nothing of \(source.name) was kept.")
            })
        output.show(output.isJSON ? Record(outcome) : Record(outcome).brief(outcome.badByKind))
        try await BadLineReport(upload: upload, outcome: outcome, file: reportFile, isDryRun: dryRun).tell(
            about: source.name, list: name, skipBad: skipBad)
    }
}
