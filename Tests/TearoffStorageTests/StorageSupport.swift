import Foundation
import Synchronization
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

let someID = DirectoryID(bytes: [UInt8](repeating: 0xA5, count: 16))

/// A directory of the test's own, gone with it.
final class Scratch: Sendable {
    let path: String

    /// - Parameter parent: the system's temporary directory unless told.
    init(in parent: String = NSTemporaryDirectory()) throws {
        path = URL(fileURLWithPath: parent).appendingPathComponent("tearoff-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    func names(_ directory: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: file(directory)).sorted()
    }

    func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
    }

    func permissions(_ name: String) throws -> Int {
        let found = try FileManager.default.attributesOfItem(atPath: file(name))
        return try #require(found[.posixPermissions] as? Int)
    }

    /// Opens `data` inside as a data directory.
    func open(
        _ name: String = "data", expectData: Bool = false, shardCount: UInt16 = 4, newID: DirectoryID = someID
    ) throws(DataDirectoryError) -> DataDirectory {
        try DataDirectory.open(
            path: file(name), expectData: expectData, shardCount: shardCount, newID: newID,
            timeMilliseconds: 77)
    }
}

/// Bytes that do not compress.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &+ 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension BlobStore {
    /// Writes a blob in pieces.
    func store(_ content: [UInt8], pieceBytes: Int = 1000) throws -> BlobID {
        let writer = try makeWriter()
        for start in stride(from: 0, to: content.count, by: pieceBytes) {
            try writer.append(content.span.extracting(start..<min(start + pieceBytes, content.count)))
        }
        return try writer.finish()
    }
}

extension BlobStore {
    /// A whole blob, checked.
    func readAll(_ id: BlobID) throws(StorageError) -> [UInt8] {
        var bytes: [UInt8] = [1, 2, 3]
        try readAll(id, into: &bytes)
        return bytes
    }
}
