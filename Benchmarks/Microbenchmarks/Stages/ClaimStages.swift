import Dispatch
import Foundation
import TearoffCore

extension Stage {
    /// The next code of a pool, claimed by threads that all want the same; each operation is one claim by any
    /// of them, the making of a pool divided by its codes included.
    static let claimStages =
        [Stage("claim", sampled: .million, counted: 100_000) { _ in claims(threads: 1) }]
        + (2...4).map { threads in
            Stage("claim-\(threads)-threads", sampled: .million, counted: nil) { _ in
                claims(threads: threads)
            }
        }

    private static func claims(threads: Int) -> Body {
        { operations in
            let run = CodeRun.fixed(
                code: Array("SUMMER-4711".utf8), limit: UInt32(operations), upload: UploadID(rawValue: 0))
            let pool = Pool(strips: run.strips)
            let group = DispatchGroup()
            for _ in 1..<threads {
                group.enter()
                // Threads of their own, and not a pool's: as many as were asked for, all at once.
                Thread {
                    drain(pool)
                    group.leave()
                }.start()
            }
            drain(pool)
            group.wait()
            precondition(pool.totalFree == 0, "\(pool.totalFree) codes were claimed by nobody")
        }
    }

    private static func drain(_ pool: Pool) {
        while pool.claim() != nil {}
    }
}
