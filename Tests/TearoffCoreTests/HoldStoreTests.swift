import Testing

@testable import TearoffCore

@Suite("Holds are found by their rows and records, and by their deadlines")
struct HoldStoreTests {
    private static func hold(_ number: UInt64) -> Hold {
        Hold(
            sequence: SequenceNumber(rawValue: 3 * number + 2), row: RowNumber(rawValue: UInt32(2 * number + 1)),
            deadline: instant(number))
    }

    /// Goal: every hold is found by its row and by its record, and nothing else is. Method: more than one chunk,
    /// every number around.
    @Test func eachIsFoundAndNoOther() {
        var store = HoldStore()
        let count: UInt64 = 10_000
        for number in 0..<count { store.append(Self.hold(number)) }
        for row in 0..<UInt32(2 * count + 2) {
            let found = store.index(of: RowNumber(rawValue: row))
            #expect(found == (row % 2 == 1 && row < 2 * UInt32(count) ? Int(row / 2) : nil))
        }
        for sequence in 0..<(3 * count + 3) {
            let found = store.index(of: SequenceNumber(rawValue: sequence))
            let isOne = sequence % 3 == 2 && sequence < 3 * count
            #expect(found == (isOne ? Int(sequence / 3) : nil))
        }
    }

    /// Goal: a cut keeps what it saw. Method: a copy before an end in the first chunk.
    @Test func aCutDoesNotChange() {
        var store = HoldStore()
        for number in 0..<5_000 { store.append(Self.hold(UInt64(number))) }
        let cut = store
        store.end(3, HoldEnd(.released, codeIsFree: true, at: instant(9)))
        #expect(cut[3].end == nil && store[3].end?.reason == .released)
        #expect(cut.changes[0] + 1 == store.changes[0], "so that a snapshot writes the stretch again")
    }

    /// Goal: who lets a code go back that went back already, or was confirmed, ends the process before anything is
    /// written. Method: a process of its own.
    @Test func anEndComesOnce() async {
        await #expect(processExitsWith: .failure) {
            var store = HoldStore()
            store.append(HoldStoreTests.hold(0))
            store.end(0, HoldEnd(.confirmed, codeIsFree: false, at: instant(1)))
            store.end(0, HoldEnd(.released, codeIsFree: true, at: instant(2)))
        }
    }

    /// Goal: deadlines come in order, whatever order they went in. Method: shuffled ones, some twice, against a
    /// sorted array, with a retain in between.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func deadlinesComeInOrder(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        var queue = DeadlineQueue()
        var deadlines = (0..<300).map { _ in UInt64.random(in: 0..<100, using: &dice) }
        for (hold, deadline) in deadlines.enumerated() {
            queue.insert(.init(deadline: instant(deadline), hold: hold))
        }
        queue.retain { $0 % 3 != 0 }
        deadlines = deadlines.enumerated().filter { $0.offset % 3 != 0 }.map(\.element)
        #expect(queue.count == deadlines.count)
        for deadline in deadlines.sorted() {
            #expect(queue.first?.deadline == instant(deadline))
            queue.removeFirst()
        }
        #expect(queue.first == nil)
    }
}
