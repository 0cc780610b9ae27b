/// Holds by their deadlines, the earliest first: a binary heap. One that ended stays until its turn comes.
struct DeadlineQueue: Sendable {
    struct Entry: Sendable {
        let deadline: Timestamp
        let hold: Int
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }
    var count: Int { entries.count }

    /// - Complexity: O(log count).
    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// - Complexity: O(log count).
    mutating func removeFirst() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].deadline < entries[least].deadline { least = child }
            }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }

    /// Forgets all but those that `isWaiting` says are still to come.
    ///
    /// - Complexity: O(count).
    mutating func retain(_ isWaiting: (Int) -> Bool) {
        let kept = entries.filter { isWaiting($0.hold) }
        entries = []
        for entry in kept { insert(entry) }
    }
}
