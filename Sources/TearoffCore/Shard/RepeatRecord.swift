/// A fact that changes nothing: this user asked again, and was told this code. Only the feed wants to know of it; a
/// recovery passes it over.
///
/// The bytes of a long user, and the marketing user id that was sent this time, go beside it as spans.
package struct RepeatRecord: Equatable, Sendable {
    package let shard: ShardID
    /// Of the shard's last record before it: it takes no number of its own, and is told behind that one.
    package let behind: SequenceNumber
    package let at: Timestamp
    package let campaign: CampaignID
    package let code: CodeID
    package let user: UserKey
    /// The last millisecond at which the code can be confirmed, when it is only held; else nil.
    package let holdUntil: Timestamp?

    package init(
        shard: ShardID, behind: SequenceNumber, at: Timestamp, campaign: CampaignID, code: CodeID, user: UserKey,
        holdUntil: Timestamp?
    ) {
        self.shard = shard
        self.behind = behind
        self.at = at
        self.campaign = campaign
        self.code = code
        self.user = user
        self.holdUntil = holdUntil
    }
}
