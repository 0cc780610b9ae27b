/// Writes the commands of one thread, one after the other.
struct CommandSource: Sendable {
    private var users: UserSource
    private let text: UserText
    private let commands: [RenderedCommand]
    private let order: LoadPlan.CampaignOrder
    private let seed: UInt64

    init(_ plan: LoadPlan, thread: Int) {
        users = UserSource(
            plan.users, repeatShare: plan.repeatShare, seed: plan.seed, thread: thread, threads: plan.threads)
        text = UserText(seed: plan.seed)
        commands = plan.campaigns.map { plan.command.render(campaign: $0) }
        order = plan.campaignOrder
        seed = plan.seed
    }

    @inline(__always)
    mutating func append(_ count: Int, to output: inout [UInt8]) {
        for _ in 0..<count {
            let user = users.next()
            commands[campaign(of: user)].append(user, text, to: &output)
        }
    }

    /// Fixed by the user, so that who is asked for again is asked for in the same campaign.
    @inline(__always)
    private func campaign(of user: UserNumber) -> Int {
        if commands.count == 1 { return 0 }
        let number = order == .roundRobin ? user.rawValue : mixed(user.rawValue ^ seed)
        return Int(number % UInt64(commands.count))
    }
}
