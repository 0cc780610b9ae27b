import TearoffCore

/// Files that operators send.
enum UploadTargets {
    static let all = [
        FuzzTarget("upload", run: upload),
        FuzzTarget("import", run: importFile),
        FuzzTarget("code-blob", run: codeBlob),
    ]

    private struct Result: Equatable {
        var codes: [[UInt8]] = []
        var counts = UploadCounts()
        var badLines: [BadLine] = []
        var rows: [[UInt8]] = []
    }

    /// Goal: an upload comes to the same however it is cut in chunks; its codes are in the file, different, and what
    /// a code may be; and its blob gives them back.
    @Sendable private static func upload(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let body = options.body
        let whole = read(body, cut: 0, skipBad: options.has(0))
        try FuzzFinding.expect(
            whole == read(body, cut: options.cut(of: body.count), skipBad: options.has(0)),
            "cut in two it is another upload")
        guard let codes = whole?.codes, !codes.isEmpty else { return }
        try FuzzFinding.expect(Set(codes).count == codes.count, "a code stands twice")
        try FuzzFinding.expect(codes.allSatisfy { CodeLine($0.span) == .code }, "a code is none")
        let blob = Array(codes.joined(separator: [0x0A])) + [0x0A]
        try FuzzFinding.expect(codes == readBlob(blob, count: codes.count), "the blob has other codes")
    }

    /// nil when a limit was hit.
    private static func read(_ body: [UInt8], cut: Int, skipBad: Bool) -> Result? {
        var reader = UploadReader(seed: 7)
        do throws(UploadReader.Failure) {
            try reader.consume(body.span.extracting(0..<cut))
            try reader.consume(body.span.extracting(cut..<body.count))
            let run = try reader.finish(id: UploadID(rawValue: 1), skipBad: skipBad) { _ in nil }
            var result = Result(counts: reader.counts, badLines: reader.badLines)
            if let run { result.codes = codes(of: run.strips) }
            return result
        } catch {
            return nil
        }
    }

    private static func codes(of strips: [Strip]) -> [[UInt8]] {
        strips.flatMap { strip in (0..<strip.count).map { strip.withCode(at: $0) { $0.copy } } }
    }

    /// Goal: an import comes to the same however it is cut; its codes are different and what a code may be.
    @Sendable private static func importFile(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let body = options.body
        let whole = readImport(body, cut: 0)
        try FuzzFinding.expect(
            whole == readImport(body, cut: options.cut(of: body.count)), "cut in two it is another import")
        guard let codes = whole?.codes else { return }
        try FuzzFinding.expect(Set(codes).count == codes.count, "a code stands twice")
        try FuzzFinding.expect(codes.allSatisfy { CodeLine($0.span) == .code }, "a code is none")
    }

    private static func readImport(_ body: [UInt8], cut: Int) -> Result? {
        var reader = ImportReader(seed: 7)
        do throws(UploadReader.Failure) {
            try reader.consume(body.span.extracting(0..<cut))
            try reader.consume(body.span.extracting(cut..<body.count))
            let judged = try reader.finish(
                campaign: { $0.hasPrefix("x") ? nil : CampaignID(rawValue: 1) },
                now: Timestamp(milliseconds: 1_900_000_000_000)
            ) { code, _, _ in code.count == 3 ? .done : .new }
            var result = Result(counts: reader.counts, badLines: reader.badLines)
            if let run = judged.run { result.codes = codes(of: run.strips) }
            result.rows = judged.fresh.map { Array(judged.rows.text[judged.rows[$0].user]) }
            return result
        } catch {
            return nil
        }
    }

    /// Goal: a blob that is read back gives codes as they stand in it.
    @Sendable private static func codeBlob(_ input: [UInt8]) throws(FuzzFinding) {
        guard let codes = readBlob(input, count: input.count) else { return }
        try FuzzFinding.expect(
            input == codes.flatMap { $0 + [0x0A] }, "the blob's codes are others than stand in it")
    }

    private static func readBlob(_ blob: [UInt8], count: Int) -> [[UInt8]]? {
        var reader = CodeBlobReader(id: UploadID(rawValue: 1), count: count)
        do throws(CodeBlobReader.Failure) {
            try reader.consume(Array(blob[..<(blob.count / 2)]))
            try reader.consume(Array(blob[(blob.count / 2)...]))
            try reader.finish()
        } catch {
            return nil
        }
        return codes(of: reader.takeStrips())
    }
}
