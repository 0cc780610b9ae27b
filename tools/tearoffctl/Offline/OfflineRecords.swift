import TearoffCore
import TearoffLog
import TearoffOffline

extension Cell {
    init(_ count: UInt64?) { self = count.map { .integer(Int(clamping: $0)) } ?? .none }
    init(_ time: Timestamp?) { self = time.map { .text($0.iso8601) } ?? .none }
}

extension Record {
    init(_ part: Verification.Part) {
        self.init([
            "part": .text(part.name), "files": .integer(part.files), "bytes": Cell(part.byteCount),
            "frames": Cell(part.frames), "records": Cell(part.records),
            "state": .text(part.isWhole ? "whole" : "damaged"),
        ])
    }

    init(_ tail: Verification.Tail) {
        self.init([
            "file": .text("\(tail.tail.segment)"), "offset": Cell(tail.tail.offset.rawValue),
            "frame": Cell(tail.tail.frame.rawValue), "bytes": Cell(tail.byteCount),
        ])
    }

    init(_ problem: RecoveryError) {
        self.init([
            "file": .text(problem.file), "offset": Cell(problem.offset?.rawValue),
            "frame": Cell(problem.frame?.rawValue), "problem": .text(problem.problem),
            "advice": .text(problem.advice),
        ])
    }

    init(list name: String, _ ledger: Ledger) {
        self.init([
            "list": .text(name), "uploaded": Cell(ledger.uploaded), "free": Cell(ledger.free),
            "held": Cell(ledger.held), "given": Cell(ledger.given), "withdrawn": Cell(ledger.withdrawn),
            "burned": Cell(ledger.burned),
        ])
    }

    init(_ snapshot: SnapshotSurvey) {
        let contents = snapshot.contents
        self.init([
            "snapshot": Cell(snapshot.number), "at": Cell(contents?.at), "revision": Cell(contents?.revision),
            "lists": Cell(contents?.lists), "campaigns": Cell(contents?.campaigns),
            "rows": Cell(contents?.rows),
            "holds": Cell(contents?.holds), "blobs": Cell(contents?.blobs),
            "missing": Cell(contents?.blobsMissing), "bytes": Cell(contents?.byteCount),
            "state": .text(snapshot.problem == nil ? "whole" : "damaged"),
        ])
    }
}
