import Foundation
import Synchronization
import TearoffLoad

/// A whole run: connects on every thread, starts them together, and adds up what they saw.
struct Run {
    private let plan: LoadPlan
    private let server: ServerAddress
    private let password: String?

    /// Between the last connection and the first command: every thread is in its loop by then.
    private static let leadNanoseconds: UInt64 = 20_000_000

    init(_ plan: LoadPlan, server: ServerAddress, password: String?) {
        self.plan = plan
        self.server = server
        self.password = password
    }

    struct Outcome {
        var tally: LoadTally
        var threads: [GeneratorLoad]
    }

    /// - Throws: the first thread's failure, connecting or later; nothing is known of the run then.
    func run() throws(Worker.Failure) -> Outcome {
        var workers: [Worker] = []
        for thread in 0..<plan.threads {
            workers.append(try Worker(plan, thread: thread, server: server, password: password))
        }
        let start = System.now() + Self.leadNanoseconds
        let results = Mutex<[Result<Worker.Report, Worker.Failure>]>([])
        let group = DispatchGroup()
        // Threads of their own, and not a pool: as many as were asked for, all at once.
        for worker in workers {
            group.enter()
            Thread {
                let result = worker.result(start: start)
                results.withLock { $0.append(result) }
                group.leave()
            }.start()
        }
        group.wait()
        return try Self.sum(results.withLock { $0 }, plan, start: start)
    }

    private static func sum(
        _ results: [Result<Worker.Report, Worker.Failure>], _ plan: LoadPlan, start: UInt64
    ) throws(Worker.Failure) -> Outcome {
        var outcome = Outcome(tally: LoadTally(plan, startNanoseconds: start), threads: [])
        for result in results {
            let part = try result.get()
            outcome.tally.add(part.tally)
            outcome.threads.append(part.load)
        }
        return outcome
    }
}

extension Worker {
    fileprivate func result(start: UInt64) -> Result<Report, Failure> {
        var worker = self
        do throws(Failure) {
            return .success(try worker.run(start: start))
        } catch {
            return .failure(error)
        }
    }
}
