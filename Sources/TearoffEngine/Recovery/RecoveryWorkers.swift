/// How a recovery runs pieces of its work side by side. It has no threads of its own.
///
/// The state that comes out is the same for every number of workers: pieces that run at once touch different
/// shards, and what they share (a code's owner) takes the first and refuses the second.
package struct RecoveryWorkers: Sendable {
    package typealias Piece = @Sendable (_ piece: Int) -> Void

    /// How many pieces run at the same time at most; from 1.
    package let count: Int
    private let perform: @Sendable (_ pieces: Int, _ body: Piece) -> Void

    /// - Parameter perform: calls `body` once for each number below `pieces`, on any threads, and returns
    ///   when all calls have. No piece waits for another, so one thread may run them one after the other;
    ///   those with low numbers are best begun first.
    package init(count: Int, perform: @escaping @Sendable (_ pieces: Int, _ body: Piece) -> Void) {
        precondition(count > 0, "\(count) workers")
        self.count = count
        self.perform = perform
    }

    /// Everything in order, on the calling thread.
    package static let one = RecoveryWorkers(count: 1) { pieces, body in
        for piece in 0..<pieces { body(piece) }
    }

    func run(pieces: Int, _ body: Piece) { perform(pieces, body) }
}
