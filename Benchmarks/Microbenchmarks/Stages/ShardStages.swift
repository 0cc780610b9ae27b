import TearoffCore

extension Stage {
    static let shardStages = [
        // What is made of a user's id before a shard's mutex is taken: the key, its hash, the shard.
        Stage("request") { size in
            let users = Users(0..<size.knownUsers)
            let routing = UserRouting(shardCount: 16)
            return { operations in request(operations, of: users, routing) }
        },
        // `ALLOC` of a known user: the index, the row, and the rule that the code is given again.
        Stage("look-up") { size in
            let shard = try FilledShard(rows: size.rows, spare: 0)
            let users = Users(size.knownUsers, below: size.rows)
            return shard.lookUps(of: users)
        },
        // `ALLOC` of a new user: nothing found, a code claimed, the row and its entry in the index made.
        Stage("insert", usesUsersUp: true) { size in
            let shard = try FilledShard(rows: size.rows, spare: size.spareUsers)
            return shard.inserts(of: Users(size.rows..<size.rows + size.spareUsers))
        },
    ]

    private static func request(_ operations: Int, of users: Users, _ routing: UserRouting) {
        let text = users.text.span
        var uuids = 0
        var shards: UInt64 = 0
        for index in 0..<operations {
            let user = text.extracting(users.range(index % users.count))
            let key = AllocationKey(campaign: Supply.campaign, user: user, seed: FilledShard.seed)
            uuids += key.user.form == UserKey.lowercaseUUID ? 1 : 0
            shards += UInt64(routing.shard(of: user).rawValue)
        }
        precondition(uuids == operations && shards > 0, "\(uuids) UUIDs in \(operations) users")
    }
}
