/// Every lane's segments, listed once before a recovery reads them.
package struct LaneCatalog: Sendable {
    package let directoryID: DirectoryID
    /// Names in the log directory that are no segments; told to the operator, not touched.
    package let foreignNames: [String]

    private let segmentsByLane: [LaneID: [SegmentFile]]

    /// Makes what is there durable, then lists it.
    package init(of storage: any LogStorage, directoryID: DirectoryID) throws(RecoveryError) {
        do throws(StorageError) {
            try storage.settle()
            let listing = try storage.list()
            self.directoryID = directoryID
            foreignNames = listing.foreignNames.sorted()
            segmentsByLane = Dictionary(grouping: listing.segments.sorted { $0.id < $1.id }, by: \.id.lane)
        } catch {
            throw .unreadable(error)
        }
    }

    private init(noneOf directoryID: DirectoryID) {
        (self.directoryID, foreignNames, segmentsByLane) = (directoryID, [], [:])
    }

    /// Of a directory without a log.
    package static func none(of directoryID: DirectoryID) -> LaneCatalog { LaneCatalog(noneOf: directoryID) }

    package var lanes: [LaneID] { segmentsByLane.keys.sorted() }

    /// In order of their numbers.
    package func segments(of lane: LaneID) -> [SegmentFile] { segmentsByLane[lane] ?? [] }

    /// Bytes of segment files from a position on: an upper bound of what recovery reads.
    package func byteCount(of lane: LaneID, from position: LanePosition) -> UInt64 {
        segments(of: lane).filter { $0.id.number >= position.segment }.reduce(0) { $0 + $1.byteCount }
    }
}
