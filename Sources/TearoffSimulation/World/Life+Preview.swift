package import TearoffEngine

extension Life {
    /// What a preview would say.
    ///
    /// - Parameter user: empty for any who was given nothing.
    package func preview(
        _ user: String = "", in campaign: String = "c", loop: Int = 0
    ) throws -> PreviewOutcome {
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        return loops[loop].preview(Array(user.utf8).span, terms: terms)
    }
}

extension PreviewOutcome {
    /// Whether the command that follows may come to that.
    package func promises(_ outcome: AllocationOutcome) -> Bool {
        switch (self, outcome) {
        case (.parked(let expected), .parked(let frame)): expected == frame
        case (.told(let preview), .refused(let refusal)): preview.verdict == .refused(refusal)
        case (.told(let preview), .given(let given)):
            switch preview.verdict {
            case .new: !given.isRepeat && given.code == preview.next
            case .repeated(let code, _): given.isRepeat && given.code == code
            case .refused: false
            }
        default: false
        }
    }
}
