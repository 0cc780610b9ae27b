/// How far back the feed goes. Whole files go, the oldest first.
package struct FeedSettings: Equatable, Sendable {
    /// Bytes on disk.
    package var bytesMaximum: UInt64
    /// Age of the newest event of a file.
    package var ageMillisecondsMaximum: UInt64
    /// Rest between two writes: so many events more in each of them, and so much later they can be read.
    package var restMilliseconds: UInt64 = 20
    /// Whether repeats are events, too, each with a record in the log.
    package var tellsRepeats: Bool

    package init(bytesMaximum: UInt64, ageMillisecondsMaximum: UInt64, tellsRepeats: Bool = false) {
        self.bytesMaximum = bytesMaximum
        self.ageMillisecondsMaximum = ageMillisecondsMaximum
        self.tellsRepeats = tellsRepeats
    }

    /// A file is left for the next one at this size, so that what retention removes is a small part of the whole.
    var fileBytes: UInt64 { min(max(bytesMaximum / 16, 4 << 10), 64 << 20) }
    var fileAgeMilliseconds: UInt64 { ageMillisecondsMaximum / 16 }
}
