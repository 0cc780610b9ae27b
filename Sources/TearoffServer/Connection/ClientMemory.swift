import Synchronization

/// What the connections hold of input and replies beyond the share that each has anyway, all together.
///
/// So clients that send commands which never end, or read nothing, cannot fill the memory, however many they are; and
/// the others never touch the counter.
struct ClientMemory: ~Copyable, Sendable {
    private let held = Atomic<Int>(0)
    let bytesMaximum: Int

    init(bytesMaximum: Int) { self.bytesMaximum = bytesMaximum }

    var bytes: Int { held.load(ordering: .relaxed) }

    /// Notes that a connection holds more, or less, than before.
    ///
    /// - Returns: false when it holds more, and that is too much.
    func change(from before: Int, to after: Int) -> Bool {
        // Relaxed: the number alone is shared.
        let (_, all) = held.add(after - before, ordering: .relaxed)
        return after <= before || all <= bytesMaximum
    }
}
