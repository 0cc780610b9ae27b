/// Who asks for what: a campaign and a user, with the hash that the index finds them by.
///
/// Made before the shard's mutex is taken, and once for deciding and applying.
package struct AllocationKey: Sendable {
    package let campaign: CampaignID
    package let user: UserKey
    let hash: UInt32

    /// - Parameters:
    ///   - bytes: the user's id as text: 1 to ``Limits/userBytes`` bytes.
    ///   - seed: the shards' own.
    package init(campaign: CampaignID, user bytes: Span<UInt8>, seed: UInt64) {
        self.init(campaign: campaign, user: UserKey(bytes), bytes: bytes, seed: seed)
    }

    /// - Parameter bytes: used when the user is long.
    init(campaign: CampaignID, user: UserKey, bytes: Span<UInt8>, seed: UInt64) {
        self.campaign = campaign
        self.user = user
        // Every factor holds the seed or what the seed made, so that nobody can choose users that all meet
        // in one place; a long user's own hash has no seed and cannot serve here.
        let ofUser =
            user.isLong
            ? ByteHash.hash(bytes, seed: seed)
            : ByteHash.fold(user.low ^ seed, user.high ^ (seed &<< 32 | seed &>> 32))
        let whole = ByteHash.fold(ofUser, UInt64(campaign.rawValue) << 8 | UInt64(user.form))
        hash = UInt32(truncatingIfNeeded: whole >> 32)
    }
}
