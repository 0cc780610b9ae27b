package import TearoffCore
package import TearoffEngine
import TearoffLog

/// A line of an import.
package struct ImportLine {
    package let code: String
    package let user: String
    package let campaign: String
    package let givenAt: UInt64

    package init(code: String, user: String, campaign: String = "c", givenAt: UInt64) {
        self.code = code
        self.user = user
        self.campaign = campaign
        self.givenAt = givenAt
    }

    package var text: String { "\(code),\(user),\(campaign),\(givenAt)\n" }
}

extension Life {
    /// Begins an import and hands its content over in one chunk, which is read once it was pumped.
    package func beginImport(_ content: String, to list: String = "l") throws -> UInt64 {
        let id = try control.uploads.begin(list: list, fileName: "given.csv", isImport: true).get()
        control.uploads.chunk(id, list: list, bytes: Array(content.utf8)) { _ in }
        return id
    }

    /// A whole import.
    @discardableResult
    package func takeOver(
        _ content: String, to list: String = "l", skipBad: Bool = false, dryRun: Bool = false
    ) throws -> UploadOutcome {
        try imported(content, to: list, skipBad: skipBad, dryRun: dryRun).outcome
    }

    @discardableResult
    package func takeOver(_ lines: [ImportLine], to list: String = "l") throws -> UploadOutcome {
        try takeOver(lines.map(\.text).joined(), to: list)
    }

    package func imported(
        _ content: String, to list: String = "l", skipBad: Bool = false, dryRun: Bool = false
    ) throws -> (id: UInt64, outcome: UploadOutcome) {
        let id = try beginImport(content, to: list)
        settle()
        let reply = commitUpload(id, to: list, skipBad: skipBad, dryRun: dryRun)
        settle()
        return (id, try required(reply.value).get())
    }

    package func badLines(_ id: UInt64, of list: String = "l") throws -> [BadLine] {
        try control.uploads.badLines(id, list: list, from: 0, count: 1_000).get()
    }
}
