import Foundation
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffOffline
import TearoffSimulation
import TearoffStorage
import Testing

/// Damages a copy of a golden directory at one place after the other, and compares what comes of it with what is right.
final class DamageWalk {
    enum Damage: Sendable, CustomStringConvertible {
        case byte(Int)
        case cut(Int)

        var description: String {
            switch self {
            case .byte(let offset): "byte \(offset)"
            case .cut(let length): "cut to \(length) bytes"
            }
        }
    }

    /// Who meets the damage.
    enum Reader: String, CaseIterable, Sendable {
        case start, verifier
    }

    let golden: GoldenDirectory
    let map: DamageMap
    let files: [String: [UInt8]]
    private let version: GoldenVersion
    private let log: SimulatedLogStorage
    private let directory: ReadOnlyDirectory
    /// How many damages were tried.
    private(set) var count = 0
    /// The first ones that came to something else.
    private(set) var faults: [String] = []

    init(_ version: GoldenVersion, keepsSnapshots: Bool) throws {
        self.version = version
        golden = try GoldenDirectory(version)
        if !keepsSnapshots { try golden.removeSnapshots() }
        directory = try golden.look(locks: false)
        log = try directory.log.inMemory()
        let (golden, directory) = (golden, directory)
        files = try golden.files().reduce(into: [:]) { $0[$1] = try golden.read($1) }
        let manifests = try directory.blobs.listNamed().map {
            let bytes = try directory.blobs.readNamed($0)
            return try Manifest(decoding: bytes.span, directory: directory.identity.id)
        }
        map = DamageMap(files, manifests: manifests, state: try Recovery.read(Self.source(directory, log)))
    }

    /// Tries one damage, and puts the file back.
    func take(_ damage: Damage, of file: String, for reader: Reader) throws {
        guard let whole = files[file] else { throw CocoaError(.fileNoSuchFile) }
        count += 1
        let (bytes, right) = result(of: damage, whole, file)
        let found: String?
        switch reader {
        case .start: found = try start(file, bytes, whole, right.start)
        case .verifier:
            try golden.write(file, bytes)
            found = verify(right)
            try golden.write(file, whole)
        }
        if let found, faults.count < 20 { faults.append("\(file), \(damage): \(found), and right is \(right)") }
    }

    private func result(of damage: Damage, _ whole: [UInt8], _ file: String) -> ([UInt8], DamageMap.Right) {
        switch damage {
        case .byte(let offset):
            var bytes = whole
            bytes[offset] ^= UInt8(1 << (offset % 8))
            return (bytes, map.right(ofByte: offset, in: file))
        case .cut(let length): return (Array(whole[..<length]), map.right(ofCut: file))
        }
    }
}

// MARK: - At a start

extension DamageWalk {
    private static func source(_ directory: ReadOnlyDirectory, _ log: SimulatedLogStorage) -> RecoverySource {
        RecoverySource(
            directory: directory.identity.id, shardCount: directory.identity.shardCount, log: log,
            blobs: directory.blobs, makeHasher: { SHA256Hasher() }, seed: 7, progress: { _ in })
    }

    /// - Returns: what is wrong; nil when it came to what is right.
    private func start(
        _ file: String, _ bytes: [UInt8], _ whole: [UInt8], _ right: DamageMap.Start
    ) throws -> String? {
        if file.hasPrefix("wal/"), let segment = SegmentID(fileName: String(file.dropFirst(4))) {
            // In memory, where damage costs nothing.
            log.replace(segment, with: bytes)
            defer { log.replace(segment, with: whole) }
            return recover(right)
        }
        try golden.write(file, bytes)
        defer { try? golden.write(file, whole) }
        return file.contains("/") ? recover(right) : open(right)
    }

    private func recover(_ right: DamageMap.Start) -> String? {
        do throws(RecoveryError) {
            let state = try Recovery.read(Self.source(directory, log))
            guard case .serves(let unusable) = right else { return "a start" }
            let setAside = state.notices.compactMap { notice in
                if case .snapshotUnusable(let number, _) = notice { number } else { nil }
            }
            guard setAside == unusable else { return "a start without snapshots \(setAside)" }
            return state.summary == version.expectedSummary ? nil : "a start with another state"
        } catch {
            guard case .refused(let place) = right else { return "\(error)" }
            return place.isNamed(by: error) ? nil : "refused elsewhere: \(error)"
        }
    }

    private func open(_ right: DamageMap.Start) -> String? {
        do {
            _ = try golden.open()
            return right == .serves() ? nil : "opened"
        } catch {
            return right != .serves() && error is DataDirectoryError ? nil : "\(error)"
        }
    }
}

extension DamageMap.Place {
    /// Whether a refusal says where: as its file, or as what could not stand in for what is missing.
    fileprivate func isNamed(by error: RecoveryError) -> Bool {
        if error.file == file { return offset == nil || error.offset?.rawValue == offset }
        let name = file.split(separator: "/").last.map(String.init) ?? file
        guard let number = SnapshotDesk.number(of: name) else { return error.problem.contains(name) }
        return error.problem.contains("snapshot \(number) cannot be used")
    }
}

// MARK: - Offline

extension DamageWalk {
    private func verify(_ right: DamageMap.Right) -> String? {
        let found: Verification
        do {
            found = Verifier(try golden.look(locks: false), progress: { _ in }).run()
        } catch {
            return right.named?.file.contains("/") == false && error is DataDirectoryError ? nil : "\(error)"
        }
        guard let named = right.named else {
            return found.damage.isEmpty ? serves(found, right) : "damage: \(found.damage)"
        }
        guard let first = found.damage.first(where: { $0.file == named.file }) else {
            return "it is not named: \(found)"
        }
        if let offset = named.offset, first.offset?.rawValue != offset { return "named elsewhere: \(first)" }
        return serves(found, right)
    }

    private func serves(_ found: Verification, _ right: DamageMap.Right) -> String? {
        switch (found.start, right.start) {
        case (.serves(let state), .serves(let unusable)):
            state.setsAside == unusable ? nil : "a start would set aside \(state.setsAside)"
        case (.refused(let error), .refused(let place)):
            place.isNamed(by: error) ? nil : "a start would be refused elsewhere: \(error)"
        default: "a start would come to \(found.start)"
        }
    }
}
