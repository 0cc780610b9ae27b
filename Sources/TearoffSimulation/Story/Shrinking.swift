/// Looks for the fewest steps that still fail.
package enum Shrinking {
    /// Leaves out halves, quarters and so on, down to single steps, as long as what is left still fails.
    ///
    /// - Parameters:
    ///   - steps: fail as they are.
    ///   - fails: whether some of them, in their order, fail in the same way.
    /// - Returns: steps of which none can be left out alone.
    /// - Source: Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), without its subsets
    ///   that are tried alone: the last halves of a story do nothing without what prepares them.
    package static func fewest<Step>(_ steps: [Step], fails: ([Step]) throws -> Bool) rethrows -> [Step] {
        var left = steps
        var size = max(1, steps.count / 2)
        while true {
            var hasShrunk = false
            // From the end: what comes behind the failure goes first.
            var end = left.count
            while end > 0 {
                let start = max(0, end - size)
                let rest = Array(left[..<start] + left[end...])
                if try fails(rest) {
                    left = rest
                    hasShrunk = true
                }
                end = start
            }
            if size == 1, !hasShrunk { return left }
            size = max(1, size / 2)
        }
    }
}
