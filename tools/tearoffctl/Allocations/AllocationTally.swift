import TearoffClient

/// What many users came to, counted by the words of the file's last column.
struct AllocationTally: Sendable {
    private(set) var users = 0
    private(set) var byStatus: [String: Int] = [:]

    mutating func add(_ status: String) {
        users += 1
        byStatus[status, default: 0] += 1
    }

    static let new = "new"
    static let again = "repeat"

    static func status(_ allocation: TearoffClient.UserAllocation) -> String {
        switch allocation {
        case .given(_, let isRepeat): isRepeat ? again : new
        case .test: "test"
        case .refused(let code): code.name
        }
    }

    private var refusals: [(word: String, count: Int)] {
        byStatus.filter { $0.key != Self.new && $0.key != Self.again }
            .map { (word: $0.key, count: $0.value) }.sorted { $0.word < $1.word }
    }

    var refused: Int { refusals.reduce(0) { $0 + $1.count } }

    /// `EXHAUSTED 5, EXPIRED 2`.
    var refusedWords: String { refusals.map { "\($0.word) \($0.count)" }.joined(separator: ", ") }

    /// - Parameters:
    ///   - kept: users who were in the file before.
    ///   - blank: blank lines of the users' file.
    func record(kept: Int, blank: Int) -> Record {
        Record([
            "users": .integer(users), "new": .integer(byStatus[Self.new] ?? 0),
            "repeat": .integer(byStatus[Self.again] ?? 0), "refused": .integer(refused),
            "blank": .integer(blank), "kept": .integer(kept),
        ])
    }
}
