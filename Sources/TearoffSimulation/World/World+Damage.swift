import TearoffCore
import TearoffEngine
package import TearoffLog

/// What was done to a medium.
struct Harm {
    let what: String
    /// A refusal names one of these; none: a call failed, and nothing is damaged.
    let names: [String]
    /// There is a second copy of what was damaged.
    var mustBeRepaired = false
    /// The frame that was damaged, when nothing vouches for it.
    var unvouched: FrameSpan?
    /// Durable bytes are gone as if they had never been written, whatever the drive said.
    var isLie = false
}

extension Harm {
    /// Whether a refusal leads an operator to what was damaged.
    func isNamed(in refusal: RecoveryError) -> Bool {
        names.isEmpty ? refusal.kind == .unreadable : names.contains { "\(refusal)".contains($0) }
    }
}

/// Where a whole frame stands.
package struct FrameSpan: Equatable {
    let segment: SegmentID
    let bytes: Range<Int>

    /// How a refusal names it when it is zero: whether a frame ever stood there cannot be told, so it is missed where its
    /// lane ends.
    var laneName: String { "wal/\(segment.lane)-" }

    /// How a refusal names it.
    package var name: String { "\(segment) at byte \(bytes.lowerBound)," }
}

extension World {
    /// Damages this medium.
    ///
    /// - Returns: nil when there is nothing of the kind to damage.
    func harm(_ kind: StepKind, _ dice: inout SplitMix64) throws -> Harm? {
        switch kind {
        case .rot: try rot(&dice)
        case .loseFile: try loseFile(&dice)
        case .misdirect: try misdirect(&dice)
        case .loseSuffix: try loseSuffix(&dice)
        default: failCall(&dice)
        }
    }

    /// Some call of the recovery fails: that is not the end of the log.
    private func failCall(_ dice: inout SplitMix64) -> Harm {
        let call = Int.random(in: 1...60, using: &dice)
        if Bool.random(using: &dice) {
            log.fail(call: call)
            return Harm(what: "of the log, \(call)", names: [])
        }
        blobs.fail(call: call)
        return Harm(what: "of the blobs, \(call)", names: [])
    }

    /// One bit turns over: of a frame, of a segment's header, of a blob or of a manifest.
    private func rot(_ dice: inout SplitMix64) throws -> Harm? {
        switch Int.random(in: 0..<10, using: &dice) {
        case 0..<6:
            guard let (frame, isLast) = try frame(&dice), var bytes = log.bytes(of: frame.segment) else { return nil }
            bytes.flip(in: frame.bytes, &dice)
            log.replace(frame.segment, with: bytes)
            return Harm(what: "\(frame)", names: [frame.name], unvouched: isLast ? frame : nil)
        case 6:
            guard let segment = try segments().randomElement(using: &dice), var bytes = log.bytes(of: segment) else {
                return nil
            }
            bytes.flip(in: 0..<LogLimits.segmentHeaderBytes, &dice)
            log.replace(segment, with: bytes)
            return Harm(what: "header of \(segment)", names: [segment.description])
        case 7...8:
            guard let blob = try blobs.all().randomElement(using: &dice), var bytes = blobs.bytes(of: blob),
                !bytes.isEmpty
            else { return nil }
            bytes.flip(in: bytes.indices, &dice)
            blobs.replace(blob, with: bytes)
            return Harm(what: "blob", names: ["\(blob)"], mustBeRepaired: try isOfNewestAlone(blob))
        default:
            guard let name = try manifests().randomElement(using: &dice) else { return nil }
            var bytes = try blobs.readNamed(name)
            bytes.flip(in: bytes.indices, &dice)
            blobs.replaceNamed(name, with: bytes)
            return Harm(what: "manifest", names: [name], mustBeRepaired: true)
        }
    }

    private func loseFile(_ dice: inout SplitMix64) throws -> Harm? {
        switch Int.random(in: 0..<4, using: &dice) {
        case 0..<2:
            guard let segment = try segments().randomElement(using: &dice) else { return nil }
            log.replace(segment, with: nil)
            return Harm(what: "segment", names: [segment.description])
        case 2:
            guard let blob = try blobs.all().randomElement(using: &dice) else { return nil }
            let mustBeRepaired = try isOfNewestAlone(blob)
            blobs.replace(blob, with: nil)
            return Harm(what: "blob", names: ["\(blob)"], mustBeRepaired: mustBeRepaired)
        default:
            guard let name = try manifests().randomElement(using: &dice) else { return nil }
            blobs.replaceNamed(name, with: nil)
            return Harm(what: "manifest", names: [name], mustBeRepaired: true)
        }
    }

    /// A frame went to another place than its own: behind all that is in some segment, or over another frame.
    private func misdirect(_ dice: inout SplitMix64) throws -> Harm? {
        guard let (frame, isLast) = try frame(&dice), let bytes = log.bytes(of: frame.segment)?[frame.bytes] else {
            return nil
        }
        let all = try frames()
        if Bool.random(using: &dice) {
            // Over one that is vouched for: it is missed, unless a snapshot has all that was in it.
            guard let lane = all.keys.sorted().randomElement(using: &dice),
                let over = all[lane]?.dropLast().randomElement(using: &dice), over != frame,
                var target = log.bytes(of: over.segment), over.bytes.lowerBound + bytes.count <= target.count
            else { return nil }
            log.blank(frame)
            if over.segment == frame.segment { target = log.bytes(of: over.segment) ?? target }
            target.replaceSubrange(over.bytes.lowerBound..<over.bytes.lowerBound + bytes.count, with: bytes)
            log.replace(over.segment, with: target)
            // A whole frame at a segment's beginning is told where the one before it ends: with the segment that it is in.
            return Harm(
                what: "\(frame) over \(over)", names: [frame.laneName, over.name, over.segment.description],
                unvouched: isLast ? frame : nil)
        }
        guard let segment = try segments().randomElement(using: &dice), var target = log.bytes(of: segment) else {
            return nil
        }
        let end = all.values.joined().filter { $0.segment == segment }.map(\.bytes.upperBound).max()
        let first = (end ?? LogLimits.segmentHeaderBytes) / log.blockBytes
        let last = (target.count - bytes.count) / log.blockBytes
        guard first <= last else { return nil }
        let start = Int.random(in: first...last, using: &dice) * log.blockBytes
        log.blank(frame)
        if segment == frame.segment { target = log.bytes(of: segment) ?? target }
        target.replaceSubrange(start..<start + bytes.count, with: bytes)
        log.replace(segment, with: target)
        return Harm(
            what: "\(frame) to \(segment) at \(start)", names: [frame.laneName, segment.description],
            unvouched: isLast ? frame : nil)
    }

    /// All of a lane from some frame on is as if it had never been written.
    private func loseSuffix(_ dice: inout SplitMix64) throws -> Harm? {
        let all = try frames()
        guard let lane = all.keys.sorted().randomElement(using: &dice), let frames = all[lane],
            let first = frames.indices.randomElement(using: &dice)
        else { return nil }
        for frame in frames[first...] { log.blank(frame) }
        return Harm(
            what: "lane \(lane) from \(frames[first])", names: ["wal"], isLie: true)
    }

    /// Some frame, the last of its lane more often than not. - Returns: also whether it is the last.
    private func frame(_ dice: inout SplitMix64) throws -> (FrameSpan, isLast: Bool)? {
        let all = try frames()
        guard let lane = all.keys.sorted().randomElement(using: &dice), let frames = all[lane] else { return nil }
        let chosen = Bool.random(using: &dice) ? frames.last : frames.randomElement(using: &dice)
        return chosen.map { ($0, isLast: $0 == frames.last) }
    }

    private func segments() throws -> [SegmentID] { try log.list().segments.map(\.id).sorted() }

    /// Every whole frame of each lane, in order.
    package func frames() throws -> [LaneID: [FrameSpan]] {
        var found: [LaneID: [FrameSpan]] = [:]
        for file in try log.list().segments.sorted(by: { $0.id < $1.id }) {
            guard var scan = try? SegmentScan(file, storage: log, directoryID: directory) else { continue }
            while let item = try scan.next() {
                guard case .frame(let frame) = item, frame.problem == nil else { continue }
                let start = Int(frame.offset.rawValue)
                let blocks = (frame.header.unpaddedBytes + log.blockBytes - 1) / log.blockBytes
                found[file.id.lane, default: []].append(
                    FrameSpan(segment: file.id, bytes: start..<start + blocks * log.blockBytes))
            }
        }
        return found
    }

    /// Names, oldest first.
    private func manifests() throws -> [String] {
        try blobs.listNamed().filter { SnapshotDesk.number(of: $0) != nil }
    }

    /// Whether the blob is a part of the newest snapshot that no older one shares, so that these can stand in for it.
    private func isOfNewestAlone(_ blob: BlobID) throws -> Bool {
        let manifests = try manifests().map { name in
            let bytes = try blobs.readNamed(name)
            return try Manifest(decoding: bytes.span, directory: directory)
        }
        guard let newest = manifests.last else { return false }
        let chunks = newest.shards.flatMap { $0.chunks + $0.holdChunks } + newest.keyChunks
        return chunks.contains(blob) && !manifests.dropLast().contains { $0.blobs.contains(blob) }
    }
}

extension SimulatedLogStorage {
    /// One bit of the frame's header turns over.
    package func rot(_ frame: FrameSpan) {
        guard var bytes = bytes(of: frame.segment) else { return }
        bytes[frame.bytes.lowerBound + 20] ^= 1
        replace(frame.segment, with: bytes)
    }

    /// As if the frame had never been written.
    func blank(_ frame: FrameSpan) {
        guard var bytes = bytes(of: frame.segment) else { return }
        bytes.replaceSubrange(frame.bytes, with: repeatElement(0, count: frame.bytes.count))
        replace(frame.segment, with: bytes)
    }
}

extension [UInt8] {
    fileprivate mutating func flip(in range: Range<Int>, _ dice: inout SplitMix64) {
        let index = Int.random(in: range, using: &dice)
        self[index] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
    }
}
