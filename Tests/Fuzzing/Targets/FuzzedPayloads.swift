package import TearoffCore
package import TearoffLog

/// What the first corpus is made of.
package enum FuzzedPayloads {
    package static var directory: DirectoryID { LogTargets.directory }

    /// The payloads of the frames in an input of the target `segment`.
    package static func of(_ input: [UInt8]) -> [[UInt8]] {
        guard let options = FuzzOptions(input) else { return [] }
        let lane = FuzzedLane(options)
        var payloads: [[UInt8]] = []
        for file in lane.files {
            guard var scan = try? SegmentScan(file, storage: lane, directoryID: directory) else { continue }
            while let item = try? scan.next() {
                if case .frame(let frame) = item, frame.problem == nil, !scan.payload.isEmpty {
                    payloads.append(scan.payload)
                }
            }
        }
        return payloads
    }

    /// Files of the feed with an event of each kind.
    package static func feedFiles(at: Timestamp) -> [[UInt8]] {
        let coder = FeedFrameCoder(directoryID: directory, cipher: nil)
        var all: [UInt8] = []
        var files: [[UInt8]] = []
        for (number, batch) in batches(at: at).enumerated() {
            let first = FeedSequence(rawValue: UInt64(number) + 1)
            let progress = LaneProgress(segment: .first, frame: .first, records: 1)
            let frame = coder.encode(
                batch, first: first, time: at, lanes: [LaneID(rawValue: 0): progress],
                signs: [ListID(rawValue: 1): FeedSigns()])
            files.append(frame)
            all += frame
        }
        return files + [all]
    }

    private static func batches(at: Timestamp) -> [FeedBatch] {
        let user: [UInt8] = Array("u1".utf8)
        let code = CodeID(upload: UploadID(rawValue: 1), ordinal: 3)
        let shard = ShardID(rawValue: 2)
        let campaign = CampaignID(rawValue: 1)
        let allocation = FeedAllocation(campaign: campaign, code: code, user: user, userID: [])
        var given = FeedBatch()
        for hold in [nil, at.adding(milliseconds: 5_000)] {
            let record = AllocationRecord(
                shard: shard, sequence: SequenceNumber(rawValue: 1), givenAt: at, campaign: campaign, code: code,
                user: UserKey(user.span), holdUntil: hold)
            given.append(record, text: user.span, userID: user.span)
        }
        var ended = FeedBatch()
        ended.append(
            HoldEndRecord(
                shard: shard, sequence: SequenceNumber(rawValue: 2), hold: SequenceNumber(rawValue: 1),
                end: HoldEnd(.released, codeIsFree: true, at: at)), of: allocation)
        ended.append(.low(remaining: 3), of: ListID(rawValue: 1), at: at)
        ended.appendGap(at: at)
        return [given, ended]
    }
}
