import TearoffCore
import TearoffEngine

/// The terms of the campaign of the last `ALLOC`, by the bytes of its name, so that a burst does not look it up
/// each time. Good as long as the loop's catalog is the same.
struct LatestTerms {
    private var name: [UInt8] = []
    private var generation: UInt64 = 0
    private var terms: CampaignTerms?

    /// nil when there is no such campaign, or when it gives no codes but a sample: that is for the slow way.
    mutating func find(_ name: Span<UInt8>, in engine: LoopEngine) -> CampaignTerms? {
        if generation == engine.catalogGeneration, let terms, self.name.span.hasSameBytes(as: name) {
            return terms
        }
        self.name = name.copy
        generation = engine.catalogGeneration
        let found = engine.terms(ofCampaign: name)
        terms = found?.sample == nil ? found : nil
        return terms
    }
}
