import ArgumentParser
import TearoffLoad

/// The options that say what is sent and when.
struct PlanOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Connections, over all threads.")
    var connections = 50

    @Option(name: [.customShort("P"), .long], help: "Closed loop: commands written at once.")
    var depth: Int?

    @Option(help: ArgumentHelp("Open loop: commands per second, over all threads.", valueName: "per-second"))
    var rate: Double?

    @Option(help: "Open loop: even or poisson.")
    var arrivals: ArrivalSchedule.Spacing?

    @Option(help: "Open loop: commands without a reply on one connection before the next waits.")
    var outstanding: Int?

    @Option(name: [.customShort("n"), .long], help: "So many commands behind the warm-up.")
    var requests: UInt64?

    @Option(help: ArgumentHelp("So long behind the warm-up. Default: 10.", valueName: "seconds"))
    var duration: Double?

    @Option(help: ArgumentHelp("Load that is not recorded, before the rest.", valueName: "seconds"))
    var warmUp = 0.0

    @Option(help: "Threads of the generator.")
    var threads = 1

    @Option(help: ArgumentHelp("new, or zipf:COUNT or zipf:COUNT:EXPONENT (0.99).", valueName: "users"))
    var users = UserSource.Distribution.new

    @Option(help: ArgumentHelp("How many commands ask for a user asked before.", valueName: "0...1"))
    var repeatShare = 0.0

    @Option(help: "Fixes the users and their order; another seed has other users.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The campaigns, with commas between them.", valueName: "names"))
    var campaigns = "c"

    @Option(help: "Which user gets which campaign: round-robin or random.")
    var campaignOrder = LoadPlan.CampaignOrder.roundRobin

    @Option(help: ArgumentHelp("Words with {campaign} and {user}.", valueName: "words"))
    var command = CommandTemplate.allocation

    func validate() throws {
        _ = try plan(hasSeries: false)
    }

    /// - Throws: `ValidationError`.
    func plan(hasSeries: Bool) throws -> LoadPlan {
        let template: CommandTemplate
        do throws(CommandTemplate.Failure) {
            template = try CommandTemplate(command)
        } catch {
            throw ValidationError("--command: \(error).")
        }
        var plan = LoadPlan(pace: try pace(), extent: try extent(), command: template)
        guard warmUp >= 0, warmUp <= Self.secondsMax else {
            throw ValidationError("--warm-up must be from 0 to \(Int(Self.secondsMax)) seconds.")
        }
        plan.warmUpNanoseconds = UInt64(warmUp * 1e9)
        try Self.check("--threads", threads, 1...LoadLimits.threadsMax)
        try Self.check("--connections", connections, threads...LoadLimits.connectionsMax)
        guard (0...1).contains(repeatShare) else { throw ValidationError("--repeat-share is from 0 to 1.") }
        if repeatShare > 0, users != .new { throw ValidationError("--repeat-share goes with --users new.") }
        plan.threads = threads
        plan.connections = connections
        plan.users = users
        plan.repeatShare = repeatShare
        plan.seed = seed
        plan.campaigns = campaigns.split(separator: ",").map(String.init)
        if plan.campaigns.isEmpty { throw ValidationError("--campaigns names none.") }
        plan.campaignOrder = campaignOrder
        plan.hasSeries = hasSeries
        return plan
    }

    private static let secondsMax = 86_400.0

    private static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound).")
        }
    }

    private func pace() throws -> LoadPlan.Pace {
        guard let rate else {
            if arrivals != nil || outstanding != nil {
                throw ValidationError("--arrivals and --outstanding go with --rate.")
            }
            try Self.check("--depth", depth ?? 1, 1...LoadLimits.depthMax)
            return .closed(depth: depth ?? 1)
        }
        if depth != nil { throw ValidationError("Give either --depth (closed loop) or --rate (open loop).") }
        guard rate > 0, rate <= 1e9 else { throw ValidationError("--rate must be above 0.") }
        let outstandingMax = outstanding ?? LoadLimits.outstandingPerConnection
        try Self.check("--outstanding", outstandingMax, 1...LoadLimits.outstandingPerConnectionMax)
        return .open(ratePerSecond: rate, spacing: arrivals ?? .even, outstandingMax: outstandingMax)
    }

    private func extent() throws -> LoadPlan.Extent {
        switch (requests, duration) {
        case (.some, .some): throw ValidationError("Give either --requests or --duration.")
        case (let count?, nil):
            guard count >= 1 else { throw ValidationError("--requests must be at least 1.") }
            return .requests(count)
        case (nil, let seconds):
            let seconds = seconds ?? 10
            guard seconds > 0, seconds <= Self.secondsMax else {
                throw ValidationError("--duration must be above 0, at most \(Int(Self.secondsMax)) seconds.")
            }
            return .nanoseconds(UInt64(seconds * 1e9))
        }
    }
}

extension ArrivalSchedule.Spacing: ExpressibleByArgument {}
extension LoadPlan.CampaignOrder: ExpressibleByArgument {}

extension UserSource.Distribution: ExpressibleByArgument {
    /// YCSB's.
    private static let standardExponent = 0.99

    /// Reads `new`, `zipf:COUNT` and `zipf:COUNT:EXPONENT`.
    package init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        if parts == ["new"] {
            self = .new
            return
        }
        guard parts.first == "zipf", (2...3).contains(parts.count),
            let count = UInt64(parts[1]), count > 0,
            let exponent = parts.count == 3 ? Double(parts[2]) : Self.standardExponent,
            exponent > 0, exponent <= 10
        else { return nil }
        self = .zipf(count: count, exponent: exponent)
    }
}
