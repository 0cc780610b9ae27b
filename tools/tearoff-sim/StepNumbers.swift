import ArgumentParser

/// Numbers of steps, written as `3,9-20`.
struct StepNumbers: ExpressibleByArgument, CustomStringConvertible {
    let numbers: Set<Int>

    init(_ numbers: [Int]) { self.numbers = Set(numbers) }

    init?(argument: String) {
        var numbers: Set<Int> = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
                last < 1_000_000
            else {
                // No step at all is written as nothing.
                if argument.isEmpty { break }
                return nil
            }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers
    }

    func contains(_ number: Int) -> Bool { numbers.contains(number) }

    var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}
