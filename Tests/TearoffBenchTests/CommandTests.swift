import Foundation
import Testing

@testable import TearoffLoad

@Suite("Commands: a seed fixes the users, and users are told apart")
struct CommandTests {
    private static func texts(_ count: Int, seed: UInt64) -> [String] {
        (0..<UInt64(count)).map { UserText(seed: seed).text(UserNumber(rawValue: $0)) }
    }

    @Test func idsReadLikeRandomUUIDs() throws {
        let form = try Regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
        for text in Self.texts(1_000, seed: 3) { #expect(text.wholeMatch(of: form) != nil, "\(text)") }
    }

    /// Goal: distinct within a seed and between seeds, equal for equal seeds. Every digit takes every value.
    @Test func idsAreDistinctAndRepeatable() {
        let all = (1...4).flatMap { Self.texts(50_000, seed: $0) }
        #expect(Set(all).count == all.count)
        #expect(Self.texts(100, seed: 9) == Self.texts(100, seed: 9))
        for position in [0, 7, 9, 12, 15, 17, 20, 22, 24, 27, 28, 35] {
            let digits = Set(all.prefix(2_000).map { Array($0.utf8)[position] })
            #expect(digits.count == 16, "position \(position)")
        }
    }

    /// Goal: threads share the users of a seed without overlap, and ask for the same ones as a single thread.
    @Test(arguments: [1, 2, 3, 7])
    func threadsShareTheUsers(threads: Int) {
        var numbers: Set<UInt64> = []
        for thread in 0..<threads {
            var source = UserSource(.new, repeatShare: 0, seed: 1, thread: thread, threads: threads)
            for _ in 0..<(2_100 / threads) { numbers.insert(source.next().rawValue) }
        }
        #expect(numbers == Set(0..<2_100))
    }

    /// Goal: the share of repeats is as asked, and only users asked before come again.
    @Test(arguments: [0.3, 0.9])
    func repeatsAreOfUsersAskedBefore(share: Double) {
        var source = UserSource(.new, repeatShare: share, seed: 5, thread: 1, threads: 2)
        var asked: Set<UInt64> = []
        var repeats = 0
        for _ in 0..<20_000 {
            let user = source.next().rawValue
            if !asked.insert(user).inserted { repeats += 1 }
        }
        #expect(abs(Double(repeats) / 20_000 - share) < 0.02)
        #expect(asked == Set((0..<UInt64(asked.count)).map { 1 + 2 * $0 }))
    }

    /// Goal: Zipf's weights. Method: counts of the first ranks beside the exact ones, within 5 %.
    @Test(arguments: [0.5, 0.99, 1.0, 2.0])
    func zipfRanksHaveTheirWeights(exponent: Double) {
        var source = UserSource(
            .zipf(count: 1_000, exponent: exponent), repeatShare: 0, seed: 1, thread: 0, threads: 1)
        var counts = [Double](repeating: 0, count: 1_000)
        let draws = 400_000
        for _ in 0..<draws { counts[Int(source.next().rawValue)] += 1 }
        let weights = (1...1_000).map { 1 / pow(Double($0), exponent) }
        let sum = weights.reduce(0, +)
        for rank in 0..<3 {
            let expected = weights[rank] / sum * Double(draws)
            #expect(abs(counts[rank] - expected) < 0.05 * expected, "rank \(rank)")
        }
    }

    @Test func aTemplateIsRenderedAsRESP() throws {
        let template = try CommandTemplate("EVALSHA abc 2 codes:{campaign} u:{campaign}:{user} \"a b\"")
        let command = template.render(campaign: "summer")
        var output: [UInt8] = []
        let user = UserNumber(rawValue: 7)
        command.append(user, UserText(seed: 1), to: &output)
        let id = UserText(seed: 1).text(user)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "*6\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$1\r\n2\r\n$12\r\ncodes:summer\r\n"
                + "$45\r\nu:summer:\(id)\r\n$3\r\na b\r\n")
    }

    @Test func wrongTemplatesAreRefused() {
        #expect(throws: CommandTemplate.Failure.unknownPlaceholder("x")) { try CommandTemplate("GET {x}") }
        #expect(throws: CommandTemplate.Failure.openQuote) { try CommandTemplate("GET \"a") }
        #expect(throws: CommandTemplate.Failure.empty) { try CommandTemplate("  ") }
    }

    /// Goal: who is asked for again is asked for in the same campaign, and campaigns share the users evenly.
    @Test(arguments: LoadPlan.CampaignOrder.allCases)
    func aUserKeepsItsCampaign(order: LoadPlan.CampaignOrder) throws {
        let command = try CommandTemplate("{campaign} {user}")
        var plan = LoadPlan(pace: .closed(depth: 1), extent: .requests(1), command: command)
        plan.campaigns = ["a", "b", "c"]
        plan.campaignOrder = order
        plan.repeatShare = 0.5
        var source = CommandSource(plan, thread: 0)
        var campaigns: [String: String] = [:]
        for _ in 0..<6_000 {
            var output: [UInt8] = []
            source.append(1, to: &output)
            let words = String(decoding: output, as: UTF8.self).split(separator: "\r\n").map(String.init)
            #expect(campaigns[words[4], default: words[2]] == words[2])
            campaigns[words[4]] = words[2]
        }
        for name in plan.campaigns {
            let share = Double(campaigns.values.count { $0 == name }) / Double(campaigns.count)
            #expect(abs(share - 1.0 / 3) < 0.05)
        }
    }
}
