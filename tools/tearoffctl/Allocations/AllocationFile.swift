import Foundation
import TearoffClient

/// The file of `alloc --out`: CSV of `user,code,status`, a line for each user in the order of the users' file, ended by
/// CR LF. It only grows, so what is in it tells where a run that was broken off goes on.
///
/// The codes in it are bearer values: it is made for its owner alone.
struct AllocationFile: Sendable {
    /// What an earlier run has left.
    struct Kept {
        var tally = AllocationTally()
        /// The last line with a code: one that was new then, if there is one.
        var proof: (line: Int, user: String, code: String)?
        fileprivate var proofIsNew = false
    }

    let path: String
    private let handle: FileHandle

    private static let head = "user,code,status\r\n"
    /// Longer than any line: two quoted cells of 255 bytes, and a word.
    private static let lineBytes = 2_048

    /// Opens the file, or makes it; nobody else may write it meanwhile.
    init(path: String) throws(Failure) {
        self.path = path
        handle = try FileHandle.ofCodes(path)
        guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(.file, "\(path) is being written by another run.")
        }
    }

    func append(_ users: [String], _ results: [TearoffClient.UserAllocation]) throws(Failure) {
        var text = ""
        for (user, result) in zip(users, results) {
            var code = ""
            if case .given(let given, _) = result { code = CSV.quoted(given) }
            text += "\(CSV.quoted(user)),\(code),\(AllocationTally.status(result))\r\n"
        }
        try write(text)
    }

    /// What was written is on disk when this returns.
    func finish() throws(Failure) {
        try guarded { try handle.synchronize() }
    }

    private func write(_ text: String) throws(Failure) {
        try guarded { try handle.write(contentsOf: Data(text.utf8)) }
    }

    private func guarded(_ body: () throws -> Void) throws(Failure) {
        do {
            try body()
        } catch {
            throw Failure(.file, "\(path) cannot be written: \(Failure.reason(error))")
        }
    }
}

// MARK: - Going on

extension AllocationFile {
    /// Reads what an earlier run wrote, passes over its users, and cuts off a line that was not written whole. Nothing
    /// is changed before all of it is known to belong to these users.
    func goOn(_ users: inout UserFile) throws(Failure) -> Kept {
        var kept = Kept()
        var lines = LineReader(handle, path: path, bytesMaximum: Self.lineBytes)
        guard let head = try lines.next() else {
            try write(Self.head)
            return kept
        }
        guard head.isEnded else {
            guard Self.head.utf8.starts(with: head.bytes) else {
                throw foreign(line: 1, "it is no head line")
            }
            try cut(at: 0)
            try write(Self.head)
            return kept
        }
        guard Self.head.utf8.elementsEqual(head.bytes + [UInt8(ascii: "\n")]) else {
            throw foreign(line: 1, "it is not user,code,status")
        }
        var whole = lines.offset
        var number = 1
        while let line = try lines.next() {
            number += 1
            guard let user = try users.next() else { throw foreign(line: number, "there is no such user") }
            let begin = Array((CSV.quoted(user) + ",").utf8)
            guard line.isEnded else {
                guard line.bytes.starts(with: begin) || begin.starts(with: line.bytes) else {
                    throw foreign(line: number, "it is of another user")
                }
                users.putBack(user)
                break
            }
            guard line.bytes.starts(with: begin) else { throw foreign(line: number, "it is of another user") }
            try note(line.bytes.dropFirst(begin.count), of: user, line: number, in: &kept)
            whole = lines.offset
        }
        try cut(at: whole)
        return kept
    }

    /// - Parameter rest: of a line, behind the user.
    private func note(
        _ rest: ArraySlice<UInt8>, of user: String, line: Int, in kept: inout Kept
    ) throws(Failure) {
        guard rest.last == UInt8(ascii: "\r"), let comma = rest.lastIndex(of: UInt8(ascii: ",")),
            let code = CSV.unquoted(rest[..<comma]),
            let status = String(validating: rest[(comma + 1)...].dropLast(), as: UTF8.self)
        else { throw foreign(line: line, "it has no code and status") }
        let isGiven = status == AllocationTally.new || status == AllocationTally.again
        guard code.isEmpty != isGiven, isGiven || (!status.isEmpty && status.allSatisfy(\.isUppercase)) else {
            throw foreign(line: line, "its code and status do not go together")
        }
        kept.tally.add(status)
        let isNew = status == AllocationTally.new
        guard isGiven, isNew || !kept.proofIsNew else { return }
        kept.proof = (line, user, code)
        kept.proofIsNew = isNew
    }

    private func cut(at offset: UInt64) throws(Failure) {
        try guarded {
            try handle.truncate(atOffset: offset)
            try handle.seek(toOffset: offset)
        }
    }

    private func foreign(line: Int, _ why: String) -> Failure {
        Failure(
            .file,
            "\(path) does not belong to these users (line \(line): \(why)). It was left as it is, and nobody was given "
                + "a code. Name another file with --out, or move this one away.")
    }
}
