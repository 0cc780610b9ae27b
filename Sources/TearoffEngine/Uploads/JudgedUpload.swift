import TearoffCore
import TearoffLog

/// An upload whose lines are judged.
struct JudgedUpload: Sendable {
    let order: CommitOrder
    /// By whose codes it was judged.
    let list: ListID
    let session: UploadSession
    let fileHash: ContentHash
    private(set) var run: CodeRun

    init(order: CommitOrder, list: ListID, session: UploadSession, fileHash: ContentHash, run: CodeRun) {
        self.order = order
        self.list = list
        self.session = session
        self.fileHash = fileHash
        self.run = run
    }

    /// - Returns: false when no code is left.
    mutating func leaveOut(_ ordinals: [Ordinal]) -> Bool {
        guard let rest = session.leaveOut(ordinals, of: run) else { return false }
        run = rest
        return true
    }
}
