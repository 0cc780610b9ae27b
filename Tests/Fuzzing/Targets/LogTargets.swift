import TearoffCore
import TearoffLog

/// Files whose frames have checksums. No mutation would get past those, so they can be made right on the way.
enum LogTargets {
    static let all = [
        FuzzTarget("segment", bytesMax: 8_192, run: segment),
        FuzzTarget("segment-header", bytesMax: 128, run: segmentHeader),
        FuzzTarget("feed-file", run: feedFile),
    ]

    static let directory = DirectoryID(bytes: [UInt8](repeating: 0xD1, count: DirectoryID.byteCount))

    /// What every checksum of a frame begins with.
    static let directoryCRC32C: UInt32 = {
        let bytes = directory.bytes
        return CRC32C.checksum(bytes.span)
    }()

    /// Goal: who judges a lane believes no frame that the scan for people calls broken; both come to an end, and go
    /// forward only.
    @Sendable private static func segment(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let lane = FuzzedLane(options)
        var believed: [FrameInfo] = []
        for file in lane.files { believed += try scan(file, of: lane) }
        for frame in taken(of: lane) {
            try FuzzFinding.expect(believed.contains(frame), "the scan calls frame \(frame) broken")
        }
    }

    /// The frames that can be believed by themselves.
    private static func scan(_ file: SegmentFile, of lane: FuzzedLane) throws(FuzzFinding) -> [FrameInfo] {
        var frames: [FrameInfo] = []
        var places = [ByteOffset(rawValue: UInt64(LogLimits.segmentHeaderBytes))]
        do throws(RecoveryError) {
            var scan = try SegmentScan(file, storage: lane, directoryID: directory)
            while let item = try scan.next() {
                switch item {
                case .frame(let frame):
                    places += [frame.offset, frame.offset + frame.header.unpaddedBytes]
                    if frame.problem == nil { frames.append(frame.info) }
                case .unreadable(let from, let to, _): places += [from, to]
                }
            }
        } catch {
            throw FuzzFinding("a segment whose header is whole cannot be scanned: \(error)")
        }
        try FuzzFinding.expect(places == places.sorted(), "the scan went back: \(places)")
        return frames
    }

    /// The frames that a recovery takes, up to the lane's end or a refusal; what is in them is decoded.
    private static func taken(of lane: FuzzedLane) -> [FrameInfo] {
        var frames: [FrameInfo] = []
        do throws(RecoveryError) {
            let catalog = try LaneCatalog(of: lane, directoryID: directory)
            let reader = try LaneReader(lane.id, from: .start, in: catalog, storage: lane)
            while let frame = try reader.next() {
                frames.append(frame)
                _ = try? ControlEntry.decodeAll(reader.payload.span)
                try? AllocationDecoder.decode(reader.payload.span, shardCount: 16) { _, _, _ in }
            }
        } catch {
            // It refuses to start, which is what it is for.
        }
        return frames
    }

    /// Goal: a segment's header that is believed can be written again, byte for byte.
    @Sendable private static func segmentHeader(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input), options.body.count >= SegmentHeader.byteCount else { return }
        var bytes = options.body
        if options.has(0) { bytes.storeLittleEndian(CRC32C.checksum(bytes.span.extracting(0..<60)), at: 60) }
        guard let header = try? SegmentHeader(parsing: bytes.span) else { return }
        let again = try? SegmentHeader(parsing: header.encoded().span)
        try FuzzFinding.expect(again == header, "written again it is another header")
    }

    /// Goal: whatever stands in a file of the feed, its reader goes forward to the end, and frames that are whole are
    /// read or refused.
    @Sendable private static func feedFile(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let file = FuzzedFeed(options)
        var reader = FeedFileReader(
            .first, from: 0, to: UInt64(file.bytes.count), storage: file, directoryID: directory)
        var place: UInt64 = 0
        do throws(StorageError) {
            search: while true {
                switch try reader.next() {
                case .frame(let header):
                    _ = header.end
                    _ = try? reader.decode(header)
                case .damage: break
                case .end: break search
                }
                guard reader.offset > place else { throw StorageError(.read, file: "feed", problem: .missing) }
                place = reader.offset
            }
        } catch {
            throw FuzzFinding("the reader stood still or could not read: \(error)")
        }
    }
}
