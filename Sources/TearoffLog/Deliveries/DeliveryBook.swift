package import TearoffCore

/// A warning on its way to one recipient.
package struct Delivery: Equatable, Sendable {
    /// Of this delivery, from 1, never used for another one.
    package let number: UInt64
    /// Of the warning in the feed.
    package let sequence: FeedSequence
    package let at: Timestamp
    package let list: ListID
    package let warning: FeedWarning
    /// The recipient's. Its secret stands in the catalog.
    package let address: String
    /// Tries that failed.
    package var attempts: UInt32 = 0
    /// When it is tried next; of a dead letter, when it was tried last.
    package var due: Timestamp
    /// What the last try came to; empty before.
    package var problem = ""

    package init(
        number: UInt64, sequence: FeedSequence, at: Timestamp, list: ListID, warning: FeedWarning, address: String,
        due: Timestamp
    ) {
        self.number = number
        self.sequence = sequence
        self.at = at
        self.list = list
        self.warning = warning
        self.address = address
        self.due = due
    }
}

/// What is sent, what is still to be sent, and what could not be.
package struct DeliveryBook: Equatable, Sendable {
    /// The warnings before this number of the feed are in here, or were sent.
    package var next: FeedSequence
    package var lastNumber: UInt64 = 0
    /// Oldest first, and so the others.
    package var open: [Delivery] = []
    package var dead: [Delivery] = []
    /// Dead letters that had to make room.
    package var droppedCount: UInt64 = 0
    /// Events of the feed that were gone before they were looked at; some of them may have been warnings.
    package var missedCount: UInt64 = 0

    package init(next: FeedSequence) {
        self.next = next
    }
}

/// - Source: bytes in `docs/FORMAT.md`, "Deliveries".
extension DeliveryBook {
    private static let magic: UInt32 = 0x3144_4F54  // "TOD1"
    private static let version: UInt16 = 1
    package static let problemBytesMax = 200

    package func encode(directory: DirectoryID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(Self.version)
        bytes.append(contentsOf: directory.bytes)
        bytes.appendVarint(next.rawValue)
        bytes.appendVarint(lastNumber)
        bytes.appendVarint(droppedCount)
        bytes.appendVarint(missedCount)
        for deliveries in [open, dead] {
            bytes.appendVarint(UInt64(deliveries.count))
            for delivery in deliveries { delivery.encode(into: &bytes) }
        }
        bytes.appendLittleEndian(CRC32C.checksum(bytes.span))
        return bytes
    }

    /// - Throws: for what is damaged, of another directory, or of a later version.
    package init(decoding bytes: Span<UInt8>, directory: DirectoryID) throws(RecordError) {
        guard bytes.count >= 4 else { throw .truncated(offset: 0) }
        let body = bytes.extracting(0..<bytes.count - 4)
        guard bytes.littleEndian(UInt32.self, at: body.count) == CRC32C.checksum(body) else {
            throw .badField("checksum", offset: body.count)
        }
        var reader = ByteReader()
        let magic: UInt32 = try reader.littleEndian(body)
        let version: UInt16 = try reader.littleEndian(body)
        guard magic == Self.magic, version == Self.version else { throw .badField("version", offset: 0) }
        guard try reader.copy(DirectoryID.byteCount, body) == directory.bytes else {
            throw .badField("directory id", offset: 6)
        }
        next = FeedSequence(rawValue: try reader.varint(body))
        lastNumber = try reader.varint(body)
        droppedCount = try reader.varint(body)
        missedCount = try reader.varint(body)
        for _ in 0..<(try reader.varint(body)) { open.append(try Delivery(body, &reader)) }
        for _ in 0..<(try reader.varint(body)) { dead.append(try Delivery(body, &reader)) }
        guard reader.isAtEnd(body) else { throw .badField("length", offset: reader.position) }
    }
}

extension Delivery {
    fileprivate func encode(into bytes: inout [UInt8]) {
        bytes.appendVarint(number)
        bytes.appendVarint(sequence.rawValue)
        bytes.appendVarint(at.milliseconds)
        bytes.appendVarint(UInt64(list.rawValue))
        warning.encode(into: &bytes)
        bytes.appendString(address.utf8)
        bytes.appendVarint(UInt64(attempts))
        bytes.appendVarint(due.milliseconds)
        bytes.appendString(problem.utf8)
    }

    fileprivate init(_ bytes: Span<UInt8>, _ reader: inout ByteReader) throws(RecordError) {
        number = try reader.varint(bytes)
        sequence = FeedSequence(rawValue: try reader.varint(bytes))
        at = try reader.timestamp(bytes)
        list = ListID(rawValue: try reader.narrow(bytes))
        warning = try reader.feedWarning(bytes)
        address = try reader.text(bytes, maximum: Limits.webhookBytes)
        attempts = try reader.narrow(bytes)
        due = try reader.timestamp(bytes)
        problem = try reader.text(bytes, maximum: DeliveryBook.problemBytesMax)
    }
}
