package import TearoffCore
package import TearoffLog

/// What a look-up found, copied out of the shards, and what must be durable before it is told: nothing builds
/// on what a crash can take away.
///
/// It is emptied and filled again, so that a look-up costs no memory of its own.
package struct LookUp<Found: Sendable>: Sendable {
    package internal(set) var found: [Found] = []
    /// The ids of users, one after the other; what was found says where each stands.
    package internal(set) var text: [UInt8] = []
    /// Campaigns or uploads that were asked.
    package internal(set) var probes = 0
    /// The frame of the loop's own lane that it rests on; ``FrameNumber/none`` when that lane's rows are durable.
    package private(set) var ownFrame = FrameNumber.none
    /// The frames of other lanes that it rests on; nearly always none.
    package private(set) var otherFrames: [LaneFrame] = []

    /// A thousand marketing user ids of ordinary length.
    private static var textBytesKept: Int { 64 << 10 }

    package init() {}

    /// Everything that it rests on, on the loop whose lane this is.
    package func frames(ofLoop index: Int) -> [LaneFrame] {
        ownFrame == .none ? otherFrames : otherFrames + [LaneFrame(lane: index, frame: ownFrame)]
    }

    /// - Parameter probes: campaigns or uploads that will be asked.
    mutating func begin(probes: Int) {
        self.probes = probes
        // One that needed much more room than others do not leaves it behind.
        found.removeAll(keepingCapacity: found.capacity <= 2 * Limits.historyRows)
        text.removeAll(keepingCapacity: text.capacity <= Self.textBytesKept)
        ownFrame = .none
        otherFrames = []
    }

    /// Notes what a row that was found waits for.
    ///
    /// - Parameter frame: nil when the row is durable.
    mutating func wait(for frame: LaneFrame?, onLoop index: Int) {
        guard let frame else { return }
        if frame.lane == index {
            ownFrame = max(ownFrame, frame.frame)
        } else if otherFrames.last != frame {
            otherFrames.append(frame)
        }
    }

    /// Keeps the bytes that `append` adds. - Returns: where they stand.
    @inline(__always)
    mutating func keep(_ append: (inout [UInt8]) -> Void) -> Range<Int> {
        let start = text.count
        append(&text)
        return start..<text.count
    }
}

/// One allocation of a user, as a look-up tells it.
package struct HistoryEntry: Equatable, Sendable {
    package let campaign: CampaignID
    package let code: CodeID
    package let standing: AllocationStanding
    /// Where the marketing user id stands in the look-up's text; empty when there is none.
    package let userID: Range<Int>
}

/// Where a code stands, and who has it.
package struct CodePlace: Equatable, Sendable {
    package struct Owner: Equatable, Sendable {
        /// Where the user stands in the look-up's text.
        package let user: Range<Int>
        /// The same of the marketing user id; empty when there is none.
        package let userID: Range<Int>
        package let campaign: CampaignID
        package let standing: AllocationStanding
    }

    package let list: ListID
    package let code: CodeID
    package let state: CodeState
    /// nil for a free code, and for a fixed one, which many users have.
    package let owner: Owner?
}
