import Synchronization
import TearoffCore

/// One shard with allocations of users 0, 1, 2 …
///
/// A server has 16, each with a part of them; for the caches it is the same.
final class FilledShard: Sendable {
    static let seed: UInt64 = 99

    private let shard: Mutex<Shard>
    private let terms: CampaignTerms
    private let upload: Upload

    /// - Parameter spare: codes that are left.
    init(rows: Int, spare: Int) throws {
        let supply = try Supply(codes: rows + max(spare, 1))
        terms = supply.terms
        upload = supply.upload
        shard = Mutex(Shard(id: ShardID(rawValue: 0), shardCount: 1, seed: Self.seed))
        // In portions: the texts of all users would take more memory than the shard.
        for first in stride(from: 0, to: rows, by: 1 << 16) {
            let users = Users(first..<min(first + 1 << 16, rows))
            try inserts(of: users)(users.count)
        }
    }

    /// `ALLOC` of known users, one after the other and then again.
    func lookUps(of users: Users) -> Stage.Body {
        let keys = users.allocationKeys(Supply.campaign, seed: Self.seed)
        var next = 0
        return { [self] operations in
            let text = users.text.span
            let found = shard.withLock { shard in
                var found = 0
                for index in next..<next + operations {
                    let user = text.extracting(users.range(index % users.count))
                    let decision = shard.decide(
                        keys[index % users.count], bytes: user, terms: terms, now: Supply.now,
                        day: Supply.day)
                    if case .repeated = decision { found += 1 }
                }
                return found
            }
            next += operations
            precondition(found == operations, "\(found) of \(operations) known users were found")
        }
    }

    /// `ALLOC` of new users, each once.
    func inserts(of users: Users) -> Stage.Body {
        let keys = users.allocationKeys(Supply.campaign, seed: Self.seed)
        var next = 0
        return { [self] operations in
            let text = users.text.span
            try shard.withLock { shard in
                let before = shard.rows.count
                for index in next..<next + operations {
                    let user = text.extracting(users.range(index))
                    if case .new(let due) = shard.decide(
                        keys[index], bytes: user, terms: terms, now: Supply.now,
                        day: Supply.day)
                    {
                        _ = try shard.apply(due, userBytes: user, userID: Span())
                    }
                }
                precondition(shard.rows.count == before + operations, "not every user was new")
            }
            next += operations
        }
    }
}

extension FilledShard {
    /// Applies what the log would have of these users.
    func apply(_ users: Range<Int>) throws {
        try shard.withLock { shard in
            for number in users {
                let record = Supply.record(ofUser: number, shardCount: 1)
                _ = try shard.apply(record, userBytes: Span(), userID: Span(), upload: upload)
            }
        }
    }

    /// What ``apply(_:)`` does, of records that are made already, each once.
    func applies(_ records: [AllocationRecord]) -> Stage.Body {
        var next = 0
        return { [self] operations in
            try shard.withLock { shard in
                for record in records[next..<next + operations] {
                    _ = try shard.apply(record, userBytes: Span(), userID: Span(), upload: upload)
                }
            }
            next += operations
        }
    }
}
