import TearoffCore

extension [UInt8] {
    /// - Source: bytes in `docs/FORMAT.md`, "Control lane".
    mutating func append(_ account: Account) {
        appendString(account.name.utf8)
        append(account.roles.rawValue)
        for patterns in [account.reach.lists, account.reach.campaigns] {
            appendVarint(UInt64(patterns.count))
            for pattern in patterns { appendString(pattern.utf8) }
        }
        let password = account.password
        append(password.parameters.costExponent)
        appendVarint(UInt64(password.parameters.blockSize))
        appendVarint(UInt64(password.parameters.parallelism))
        append(contentsOf: password.salt)
        append(contentsOf: password.digest)
    }
}

extension ByteReader {
    mutating func account(_ bytes: Span<UInt8>) throws(RecordError) -> Account {
        let name = try text(bytes, maximum: Limits.nameBytes)
        let start = position
        let roles = Roles(rawValue: try byte(bytes))
        // An older version must not take away what it does not know.
        guard Roles.all.contains(roles) else { throw .badField("roles", offset: start) }
        let reach = Reach(lists: try patterns(bytes), campaigns: try patterns(bytes))
        return Account(name: name, password: try passwordHash(bytes), roles: roles, reach: reach)
    }

    private mutating func patterns(_ bytes: Span<UInt8>) throws(RecordError) -> [String] {
        let start = position
        let count = try varint(bytes)
        guard count <= UInt64(Limits.reachPatterns) else { throw .badField("names", offset: start) }
        var patterns: [String] = []
        // One more than a name has: the `*`.
        for _ in 0..<count { patterns.append(try text(bytes, maximum: Limits.nameBytes + 1)) }
        return patterns
    }

    private mutating func passwordHash(_ bytes: Span<UInt8>) throws(RecordError) -> PasswordHash {
        let start = position
        let costExponent = try byte(bytes)
        let blockSize: UInt32 = try narrow(bytes)
        guard
            let parameters = PasswordHash.Parameters(
                costExponent: costExponent, blockSize: blockSize, parallelism: try narrow(bytes))
        else { throw .badField("password parameters", offset: start) }
        return PasswordHash(
            parameters: parameters, salt: try copy(Limits.passwordSaltBytes, bytes),
            digest: try copy(Limits.passwordDigestBytes, bytes))
    }
}
