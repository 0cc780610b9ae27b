import Foundation
import TearoffClient

/// The file of `--report`: CSV of `line,reason`.
struct BadLineFile {
    let path: String
    private let handle: FileHandle

    /// Makes the file anew, with its heading.
    init(path: String) throws(Failure) {
        self.path = path
        do {
            try Data("line,reason\n".utf8).write(to: URL(filePath: path))
            handle = try FileHandle(forWritingTo: URL(filePath: path))
            try handle.seekToEnd()
        } catch {
            throw Self.failure(path, error)
        }
    }

    func append(_ lines: [TearoffClient.BadLine]) throws(Failure) {
        let text = lines.map { "\($0.line),\(CSV.quoted($0.reason))\n" }.joined()
        do {
            try handle.write(contentsOf: Data(text.utf8))
        } catch {
            throw Self.failure(path, error)
        }
    }

    private static func failure(_ path: String, _ error: any Error) -> Failure {
        Failure(.file, "\(path) cannot be written: \(Failure.reason(error))")
    }
}

/// Tells what an upload came to, line by line where it has bad ones.
struct BadLineReport {
    /// Bad lines that are shown; the rest goes to the file.
    static let shownMaximum = 20

    let upload: TearoffClient.Upload
    let outcome: TearoffClient.UploadReport
    let file: BadLineFile?
    /// Nothing was kept in any case: the words are about what would have been.
    let isDryRun: Bool

    /// - Throws: ``Failure`` with ``Exit/badLines`` when the upload was refused, or would be.
    func tell(about name: String, list: String, skipBad: Bool) async throws {
        switch outcome.status {
        case .unchanged where outcome.given != nil:
            if outcome.bad > 0 { try await tellLeftOut() }
            Terminal.words("All that \(name) tells is in list \(list) already: nothing changed.")
        case .unchanged:
            let what = isDryRun ? "loading it would change nothing" : "nothing changed"
            Terminal.words("List \(list) has this very file already: \(what).")
        case .loaded:
            if outcome.bad > 0 { try await tellLeftOut() }
            guard isDryRun else { return }
            if let given = outcome.given {
                let rows = Self.count(given, "row")
                return Terminal.words("A dry run: nothing was kept. \(name) would add \(rows) to list \(list).")
            }
            let codes = Self.count(outcome.codes, "code")
            let loss = outcome.withdrawn.map { " and take \(Self.count($0, "free one")) out" } ?? ""
            Terminal.words(
                "A dry run: nothing was kept. To load \(name) would add \(codes) to list \(list)\(loss).")
        case .refused where outcome.bad == 0:
            throw Failure(.badLines, "\(name) \(refused): it has no code. Nothing was kept.")
        case .refused:
            try await showFirst(name)
            try await writeFile()
            let verb = outcome.given == nil ? "load" : "import"
            let advice =
                skipBad || outcome.codes + (outcome.given ?? 0) + (outcome.already ?? 0) == 0
                ? "It has no good line."
                : "Correct the file and \(verb) it again, or leave the bad lines out with --skip-bad."
            throw Failure(.badLines, advice)
        }
    }

    private var refused: String { isDryRun ? "would be refused" : "was refused" }

    private func tellLeftOut() async throws {
        let leftOut = isDryRun ? "Would leave out" : "Left out"
        // That users have a code is nothing bad of a file that replaces the others.
        let noun = outcome.withdrawn == nil ? "bad line" : "line"
        Terminal.words("\(leftOut) \(Self.count(outcome.bad, noun)): \(kinds).")
        do {
            try await writeFile()
        } catch let error as TearoffError where !isDryRun {
            // Without these words the error would look as if nothing had been loaded.
            let cause = Failure(error)
            let words = "The good lines are loaded, but the bad ones cannot be told"
            throw Failure(cause.exit, "\(words): \(cause.message)")
        }
    }

    private func showFirst(_ name: String) async throws {
        Terminal.words(
            "\(name) \(refused): \(Self.count(outcome.bad, "bad line")) (\(kinds)). Nothing was kept.")
        for line in try await upload.badLines(count: Self.shownMaximum) {
            Terminal.words("  line \(line.line): \(line.reason)")
        }
        let rest = outcome.bad - Self.shownMaximum
        if rest > 0 {
            let hint = file == nil ? "; --report FILE writes all" : ""
            Terminal.words("  and \(rest) more\(hint)")
        }
    }

    private func writeFile() async throws {
        guard let file else { return }
        var written = 0
        while true {
            let page = try await upload.badLines(from: written, count: TearoffClient.Limits.badLinesPage)
            guard !page.isEmpty else { break }
            try file.append(page)
            written += page.count
        }
        Terminal.words("\(file.path) has \(Self.count(written, "bad line")).")
    }

    /// `comma 2, duplicate-in-file 1`, in the protocol's order.
    private var kinds: String {
        TearoffClient.BadLineKind.all(isImport: true).compactMap { kind in
            outcome.badByKind[kind].map { "\(kind.rawValue) \($0)" }
        }.joined(separator: ", ")
    }

    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
