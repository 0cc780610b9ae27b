/// Looks for codes of a new run that users got from the earlier uploads while it was made: they must not be in it.
///
/// Each look passes over what an earlier one saw: that such a code is not in the run stays true, since the run only
/// loses codes. So the last look, for which the list stands still, is at few. What is remembered is not who
/// had a code, which may go back and be given once more between two looks.
package struct TakenCodes: Sendable {
    private let uploads: [Upload]
    /// By upload: codes that somebody had in some look.
    private var seen: [OrdinalSet]

    /// - Parameter uploads: all of the list, withdrawn ones too.
    package init(of uploads: [Upload]) {
        self.uploads = uploads
        seen = uploads.map { OrdinalSet(count: $0.count) }
    }

    /// - Parameter run: the same as in the look before, without what that one found.
    /// - Returns: ordinals of the run whose codes somebody has now, and that no look found before.
    /// - Complexity: O(codes that were claimed), a look into the run's index for each new one.
    package mutating func look(in run: CodeRun) -> [Ordinal] {
        var found: [Ordinal] = []
        for (index, upload) in uploads.enumerated() {
            for strip in upload.codes.strips where strip.hasOwners {
                for position in 0..<strip.count where strip.owner(at: position) != nil {
                    guard seen[index].insert(strip.firstOrdinal + Ordinal(position)) else { continue }
                    strip.withCode(at: position) { code in
                        if let ordinal = run.ordinal(of: code) { found.append(ordinal) }
                    }
                }
            }
        }
        return found
    }
}
