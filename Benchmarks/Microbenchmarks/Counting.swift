import CCallgrind

/// Runs one stage between the marks at which callgrind begins and stops to count.
enum Counting {
    enum Failure: Error, CustomStringConvertible {
        case unknownStage(String)
        case noValgrindHeaders
        case notUnderValgrind

        var description: String {
            switch self {
            case .unknownStage(let name): "no stage '\(name)' is counted: see --names"
            case .noValgrindHeaders:
                "built before valgrind's headers were there: remove .build, and build again"
            case .notUnderValgrind: "instructions are counted by valgrind --tool=callgrind only"
            }
        }
    }

    /// Stages that can be counted.
    static var names: [String] { Stage.all.filter { $0.counted != nil }.map(\.name) }

    /// - Returns: how many operations were counted.
    static func run(_ name: String) throws -> Int {
        guard let stage = Stage.all.first(where: { $0.name == name }), let operations = stage.counted else {
            throw Failure.unknownStage(name)
        }
        guard tearoff_knows_callgrind() else { throw Failure.noValgrindHeaders }
        guard tearoff_runs_under_valgrind() else { throw Failure.notUnderValgrind }
        let body = try stage.prepare(.counted)
        // What only the first ones do: symbols are bound, buffers grow.
        try body(Stage.Sampled.thousand.rawValue)
        tearoff_start_counting()
        try body(operations)
        tearoff_stop_counting()
        return operations
    }
}
