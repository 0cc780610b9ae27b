import TearoffAccounts
import Testing

@Suite("Whoever sees codes masked does not find them by guessing")
struct FindPaceTests {
    /// Goal: a minute's look-ups are bounded, each account has its own, and the next minute begins anew. Method: the
    /// most of one account, one more, another account's, and a minute later.
    @Test func eachAccountHasSoManyAMinute() {
        var pace = FindPace()
        #expect(allowed(of: &pace, "a", now: 59_999) == FindPace.findsPerMinuteMaximum)
        #expect(allowed(of: &pace, "b", now: 59_999) == FindPace.findsPerMinuteMaximum)
        #expect(allowed(of: &pace, "a", now: 60_000) == FindPace.findsPerMinuteMaximum)
    }

    /// Goal: the table does not grow with accounts that come and go. Method: thousands of them, minute after minute;
    /// each is still bounded.
    @Test func manyAccountsDoNotLiftTheBound() {
        var pace = FindPace()
        for number in 0..<5_000 {
            let count = allowed(of: &pace, "account-\(number)", now: UInt64(number) * 60_000)
            #expect(count == FindPace.findsPerMinuteMaximum)
        }
    }

    /// How many of more look-ups than a minute has room for are allowed.
    private func allowed(of pace: inout FindPace, _ account: String, now: UInt64) -> Int {
        var count = 0
        for _ in 0..<FindPace.findsPerMinuteMaximum + 5 { count += pace.mayFind(account, now: now) ? 1 : 0 }
        return count
    }
}
