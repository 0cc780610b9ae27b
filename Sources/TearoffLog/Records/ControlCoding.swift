package import TearoffCore

/// What the control lane holds: changes of the catalog, the audit trail, and the starts of the server.
package enum ControlEntry: Equatable, Sendable {
    /// `revision` counts the changes from 1 without a gap.
    case change(ControlRecord, revision: UInt64)
    /// Stands in the frame of the changes that it tells of, if there are any.
    case audit(AuditRecord)
    case lifeStarted(LifeStart)
}

/// A start of the server: how far it found each lane, and which segments its lanes began. So a missing
/// segment is noticed, and damage to the last frame of a lane that nobody writes any more.
package struct LifeStart: Equatable, Sendable {
    package struct Lane: Equatable, Sendable {
        package let lane: LaneID
        /// The segment that this life began; nil for a lane that it does not write.
        package let segment: SegmentNumber?
        /// The frames before this one were found.
        package let nextFrame: FrameNumber

        package init(lane: LaneID, segment: SegmentNumber?, nextFrame: FrameNumber) {
            self.lane = lane
            self.segment = segment
            self.nextFrame = nextFrame
        }
    }

    package let at: Timestamp
    package let lanes: [Lane]

    package init(at: Timestamp, lanes: [Lane]) {
        self.at = at
        self.lanes = lanes
    }
}

extension ControlEntry {
    /// - Source: bytes in `docs/FORMAT.md`, "Control records".
    package func encode(into batch: inout [UInt8]) {
        switch self {
        case .change(let record, let revision):
            batch.append(RecordTag.control)
            batch.appendVarint(revision)
            batch.appendVarint(record.at.milliseconds)
            record.change.encode(into: &batch)
        case .audit(let record): record.encode(into: &batch)
        case .lifeStarted(let start):
            batch.append(RecordTag.lifeStarted)
            batch.appendVarint(start.at.milliseconds)
            batch.appendVarint(UInt64(start.lanes.count))
            for lane in start.lanes {
                batch.appendVarint(UInt64(lane.lane.rawValue))
                batch.appendVarint(lane.segment?.rawValue ?? 0)
                batch.appendVarint(lane.nextFrame.rawValue)
            }
        }
    }

    /// Reads all entries of a frame or manifest.
    package static func decodeAll(_ payload: Span<UInt8>) throws(RecordError) -> [ControlEntry] {
        var reader = ByteReader()
        var entries: [ControlEntry] = []
        while !reader.isAtEnd(payload) { entries.append(try decode(payload, &reader)) }
        return entries
    }

    static func decode(
        _ payload: Span<UInt8>, _ reader: inout ByteReader
    ) throws(RecordError) -> ControlEntry {
        let offset = reader.position
        switch try reader.byte(payload) {
        case RecordTag.control:
            let revision = try reader.varint(payload)
            let at = try reader.timestamp(payload)
            return .change(ControlRecord(try .init(payload, &reader), at: at), revision: revision)
        case RecordTag.audit: return .audit(try AuditRecord(payload, &reader))
        case RecordTag.lifeStarted:
            let at = try reader.timestamp(payload)
            var lanes: [LifeStart.Lane] = []
            for _ in 0..<(try reader.varint(payload)) {
                let lane = LaneID(rawValue: try reader.narrow(payload))
                let segment = try reader.varint(payload)
                let nextFrame = FrameNumber(rawValue: try reader.varint(payload))
                lanes.append(
                    .init(
                        lane: lane, segment: segment == 0 ? nil : SegmentNumber(rawValue: segment),
                        nextFrame: nextFrame))
            }
            return .lifeStarted(LifeStart(at: at, lanes: lanes))
        case let tag:
            throw .unknownTag(tag, offset: offset)
        }
    }
}
