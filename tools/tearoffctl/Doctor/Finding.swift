/// What one check of the doctor came to.
struct Finding: Equatable {
    enum State: String {
        case ok, warning, problem
        /// It could not be measured or read from here.
        case unknown
    }

    let check: String
    let state: State
    /// What was measured or read, in one line.
    let found: String
    /// What to do; nil when all is well.
    let advice: String?

    init(_ check: String, _ state: State, _ found: String, advice: String? = nil) {
        self.check = check
        self.state = state
        self.found = found
        self.advice = state == .ok ? nil : advice
    }

    /// ``State/problem`` or ``State/warning`` when the figure reaches that bound; else ``State/ok``.
    static func state<Figure: Comparable>(_ figure: Figure, warnFrom: Figure, failFrom: Figure) -> State {
        figure >= failFrom ? .problem : figure >= warnFrom ? .warning : .ok
    }
}

extension Record {
    init(_ finding: Finding) {
        self.init([
            "check": .text(finding.check), "state": .text(finding.state.rawValue),
            "found": .text(finding.found), "advice": Cell(finding.advice),
        ])
    }
}
