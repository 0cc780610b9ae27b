/// Names a list for ever; dense, from 0, in order of creation.
package struct ListID: Hashable, Comparable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Names an upload for ever; dense, from 0, over all lists. A fixed list has one upload: its code and limit.
package struct UploadID: Hashable, Comparable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Names a campaign for ever; dense, from 0, in order of creation.
package struct CampaignID: Hashable, Comparable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One of the fixed partitions of the users, from 0.
package struct ShardID: Hashable, Comparable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Position of a record among the records of its shard, from 1; 0 stands for "none yet".
///
/// A number can be missing after a crash (its record was never acknowledged), but never stands for two
/// records.
package struct SequenceNumber: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let none = SequenceNumber(rawValue: 0)
    package var next: SequenceNumber { SequenceNumber(rawValue: rawValue + 1) }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Position of a code in its upload, from 0, in the order of the file.
package typealias Ordinal = UInt32

/// One code of one upload: what a record names instead of the code's text.
package struct CodeID: Hashable, Sendable {
    package let upload: UploadID
    package let ordinal: Ordinal
    package init(upload: UploadID, ordinal: Ordinal) {
        self.upload = upload
        self.ordinal = ordinal
    }
}

/// Position of an allocation in the history of its shard, from 0. In memory only: it may differ after a
/// restart.
package struct RowNumber: Hashable, Comparable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// SHA-256 of some content: 32 bytes.
package struct ContentHash: Hashable, Sendable {
    package static let byteCount = 32
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a content hash has 32 bytes, not \(bytes.count)")
        self.bytes = bytes
    }
}
