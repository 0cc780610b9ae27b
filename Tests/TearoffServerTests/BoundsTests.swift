import TearoffCore
import TearoffProtocol
import Testing

@Suite("What a command may say is what the core keeps: a bound that stands in both is one")
struct BoundsTests {
    /// Goal: no name, value or setting passes the parser and is refused, or trapped on, behind it, and none that could be
    /// kept is refused before. Method: each bound of the protocol beside its twin of the core.
    @Test func theyAreTheSame() {
        #expect(ArgumentLimits.nameBytes == Limits.nameBytes)
        for twin in [Limits.codeBytes, Limits.userBytes, Limits.keyBytes] { #expect(ArgumentLimits.valueBytes == twin) }
        #expect(ArgumentLimits.overflowLists == Limits.overflowLists)
        #expect(ArgumentLimits.addressBytes == max(Limits.webhookBytes, Limits.emailBytes))
        #expect(ArgumentLimits.passwordBytes == Limits.passwordBytes)
        #expect(ArgumentLimits.reachPatterns == Limits.reachPatterns)
        #expect(ArgumentLimits.warnDaysCount == Limits.expiryWarnings)
        #expect(ArgumentLimits.cursorBytes == 9 * Int(Limits.shards))
    }

    /// Goal: the longest secret that a webhook may have can be said. Method: its prefix, and its bytes as base64.
    @Test func aSecretFits() {
        let base64Bytes = (Limits.webhookSecretBytes.upperBound + 2) / 3 * 4
        #expect(ArgumentLimits.secretBytes == "whsec_".utf8.count + base64Bytes)
    }
}
