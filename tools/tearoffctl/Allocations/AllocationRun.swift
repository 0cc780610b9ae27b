import TearoffClient

/// Gives codes to all users of a file, batch by batch, and writes what came of it.
struct AllocationRun: Sendable {
    /// Users of one command. Small enough that other clients of the server hardly notice, large enough that the log's
    /// flush is shared by many.
    static let batchUsers = 1_000
    /// Commands under way at once: the server works on one while others travel. So many batches at most are given and
    /// not written when a run is broken off.
    static let window = 4
    /// How often users whom another connection was about are asked for again. A guess: each takes a flush of the log.
    private static let attemptsMaximum = 10

    let client: TearoffClient
    let campaign: String
    let users: UserFile
    let file: AllocationFile
    let kept: AllocationFile.Kept

    /// - Returns: the tally over the whole file, and its blank lines.
    func run() async throws -> (tally: AllocationTally, blank: Int) {
        var (users, tally) = (users, kept.tally)
        let start = users.offset
        var display = ProgressDisplay(
            LoadProgress(name: "alloc", noun: "users", totalBytes: Int(users.byteCount - start)),
            isLive: Terminal.wordsAreSeenLive)
        var pending: [(users: [String], offset: UInt64, allocations: TearoffClient.PendingAllocations)] = []
        while true {
            while pending.count < Self.window, let batch = try Self.next(&users) {
                let allocations = try client.startAllocateMany(campaign: campaign, users: batch)
                pending.append((batch, users.offset, allocations))
            }
            guard !pending.isEmpty else { break }
            let (batch, offset, allocations) = pending.removeFirst()
            let results = try await settle(try await allocations.results(), of: batch)
            try Task.checkCancellation()
            try file.append(batch, results)
            for result in results { tally.add(AllocationTally.status(result)) }
            display.update(bytes: Int(offset - start), lines: tally.users - kept.tally.users)
        }
        try file.finish()
        display.finish()
        return (tally, users.blank)
    }

    /// - Returns: nil at the end.
    private static func next(_ users: inout UserFile) throws(Failure) -> [String]? {
        var batch: [String] = []
        batch.reserveCapacity(batchUsers)
        while batch.count < batchUsers, let user = try users.next() { batch.append(user) }
        return batch.isEmpty ? nil : batch
    }

    /// Asks again for users whom another connection was about at that very moment.
    private func settle(
        _ results: [TearoffClient.UserAllocation], of users: [String]
    ) async throws -> [TearoffClient.UserAllocation] {
        var results = results
        for _ in 0..<Self.attemptsMaximum {
            let busy = results.indices.filter { results[$0] == .refused(.busy) }
            if busy.isEmpty { return results }
            let again = try await client.allocateMany(campaign: campaign, users: busy.map { users[$0] })
            for (index, result) in zip(busy, again) { results[index] = result }
        }
        throw Failure(.busy, "Other connections go on asking for the same users.")
    }
}
