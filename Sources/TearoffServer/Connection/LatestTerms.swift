import TearoffCore
import TearoffEngine

/// The terms of the campaign of the last `ALLOC`, by the bytes of its name, so that a burst does not look it up
/// each time. Good as long as the loop's catalog is the same, and who is logged in.
struct LatestTerms {
    private var name: [UInt8] = []
    private var generation: UInt64 = 0
    private var identityNumber: UInt64 = 0
    private var terms: CampaignTerms?

    /// nil when there is no such campaign, when it is beyond the account's reach, or when it gives no codes but a sample:
    /// that is for the slow way.
    mutating func find(_ name: Span<UInt8>, in engine: LoopEngine, for session: Session) -> CampaignTerms? {
        if generation == engine.termsGeneration, identityNumber == session.identityNumber, let terms,
            self.name.span.hasSameBytes(as: name)
        {
            return terms
        }
        self.name = name.copy
        generation = engine.termsGeneration
        identityNumber = session.identityNumber
        let found = engine.terms(ofCampaign: name)
        terms = found.flatMap { $0.sample == nil && session.reaches($0) ? $0 : nil }
        return terms
    }
}
