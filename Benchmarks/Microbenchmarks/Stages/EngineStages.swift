import Dispatch
import Foundation
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation

extension Stage {
    static let engineStages = [
        // A whole `ALLOC` between its socket and its disk, parsing and reply not included: in bursts of 64 as
        // they are read, and 1,000 in a tick.
        Stage("alloc", usesUsersUp: true) { size in
            let loop = try FilledLoop(rows: size.rows, spare: size.spareUsers)
            return loop.allocations(of: Users(size.rows..<size.rows + size.spareUsers), inTick: 1_000)
        },
        // The same by two loops at once, on the same shards and from the same list; time divided by the
        // operations of both.
        Stage("alloc-2-loops", sampled: .tenThousand, counted: nil, usesUsersUp: true) { size in
            let loops = try FilledLoop.loops(2, rows: size.rows, spare: size.spareUsers)
            let share = size.spareUsers / loops.count
            let bodies = loops.enumerated().map { index, loop in
                let first = size.rows + index * share
                return loop.allocations(of: Users(first..<first + share), inTick: 1_000)
            }
            return { operations in try AtOnce.run(bodies, operations / bodies.count) }
        },
        // The same, alone in its tick: as without pipelining.
        Stage("alloc-alone", usesUsersUp: true) { size in
            let loop = try FilledLoop(rows: size.rows, spare: size.spareUsers)
            return loop.allocations(of: Users(size.rows..<size.rows + size.spareUsers), inTick: 1)
        },
        // The same of known users, in bursts.
        Stage("alloc-repeated") { size in
            let loop = try FilledLoop(rows: size.rows, spare: 0)
            return loop.allocations(of: Users(size.knownUsers, below: size.rows), inTick: 1_000)
        },
    ]
}

/// A loop of an engine with 16 shards, on a log that keeps nothing, with allocations of users 0, 1, 2 …
private final class FilledLoop {
    private let loop: LoopEngine
    private let terms: CampaignTerms
    private var requests: [AllocationRequest] = []

    private init(_ loop: LoopEngine) {
        self.loop = loop
        terms = loop.catalog.terms(of: Supply.campaign)
    }

    /// - Parameter spare: codes that are left.
    convenience init(rows: Int, spare: Int) throws {
        self.init(try Self.engines(1, codes: rows + max(spare, 1))[0])
        try fill(rows: rows)
    }

    /// Several of one engine, which have the allocations between them.
    static func loops(_ count: Int, rows: Int, spare: Int) throws -> [FilledLoop] {
        let loops = try engines(count, codes: rows + max(spare, 1)).map { FilledLoop($0) }
        try loops[0].fill(rows: rows)
        return loops
    }

    private static func engines(_ count: Int, codes: Int) throws -> [LoopEngine] {
        let supply = try Supply(codes: codes)
        let written = SimulatedLogStorage(seed: 1)
        try LoggedState.write(supply, to: written)
        let state = try Recovery.run(LoggedState.source(written))
        var settings = EngineSettings(loopCount: count)
        settings.lane.completion = .inline
        settings.snapshotLogBytes = 0
        let host = EngineHost(
            wallMilliseconds: { Supply.now.milliseconds }, day: { .utc(containing: $0) }, background: { $0() },
            segments: { $0() }, later: { _, _ in }, giveWay: {}, report: { _ in })
        let start = EngineStart(
            state, source: LoggedState.source(DiscardedLog()), settings: settings, host: host,
            segmentBytes: LogLimits.segmentBytesDefault)
        let control = ControlPort(execute: { _ in }, scheduleExpiry: { _ in })
        return try (0..<count).map { try start.makeLoop($0, control: control) }
    }

    private func fill(rows: Int) throws {
        for first in stride(from: 0, to: rows, by: 1 << 16) {
            let users = Users(first..<min(first + 1 << 16, rows))
            try allocations(of: users, inTick: 1_000)(users.count)
        }
    }

    /// Begins again behind the last user; where they are new, they must not be used up.
    func allocations(of users: Users, inTick: Int) -> Stage.Body {
        var next = 0
        return { [self] operations in
            let end = operations
            var done = 0
            var given = 0
            while done < end {
                loop.beginTick()
                let tick = min(inTick, end - done)
                var left = tick
                while left > 0 {
                    let burst = min(left, LoopEngine.burstMaximum, users.count - next)
                    given += allocate(users, next..<next + burst)
                    next = next + burst == users.count ? 0 : next + burst
                    left -= burst
                }
                _ = try loop.commit()
                done += tick
            }
            precondition(given == operations, "\(given) codes for \(operations) users")
        }
    }

    /// Decides a burst, as a connection does. - Returns: the codes given.
    private func allocate(_ users: Users, _ range: Range<Int>) -> Int {
        let text = users.text.span
        let moment = loop.moment
        requests.removeAll(keepingCapacity: true)
        for index in range {
            requests.append(loop.request(text.extracting(users.range(index)), terms: terms))
        }
        if range.count > 1 { loop.prefetch(requests.span) }
        return loop.withTick { tick in
            var given = 0
            for (request, index) in zip(requests, range) {
                let user = text.extracting(users.range(index))
                let outcome = loop.allocate(
                    request, terms: terms, at: moment, user: user, userID: Span(), in: &tick)
                if case .given = outcome { given += 1 }
            }
            return given
        }
    }
}

/// Runs bodies at once, each on a thread of its own, and waits for all.
private enum AtOnce {
    /// Sendable, proof: a body is handed to one thread, and touched again only when that thread has ended.
    private struct Lent: @unchecked Sendable {
        let body: Stage.Body
    }

    static func run(_ bodies: [Stage.Body], _ operations: Int) throws {
        let group = DispatchGroup()
        for lent in bodies.dropFirst().map({ Lent(body: $0) }) {
            group.enter()
            Thread {
                do {
                    try lent.body(operations)
                } catch {
                    preconditionFailure("\(error)")
                }
                group.leave()
            }.start()
        }
        try bodies[0](operations)
        group.wait()
    }
}

/// For an engine that takes no uploads and no change.
final class NoHasher: ContentHasher {
    func update(_ bytes: Span<UInt8>) {}
    func finish() -> BlobID { BlobID(bytes: [UInt8](repeating: 0, count: BlobID.byteCount)) }
}
