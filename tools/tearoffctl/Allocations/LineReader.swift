import Foundation

/// Cuts a file into lines at each LF, in constant memory.
struct LineReader: Sendable {
    struct Line {
        /// Without its LF; of a longer line one byte more than ``LineReader/bytesMaximum``.
        let bytes: [UInt8]
        /// Whether it ends with LF: only the last one may not.
        let isEnded: Bool
    }

    /// Bytes up to the end of the line that was read last.
    private(set) var offset: UInt64 = 0
    private let path: String
    private let handle: FileHandle
    private let bytesMaximum: Int
    private var piece: [UInt8] = []
    private var position = 0

    private static let pieceBytes = 256 << 10

    /// - Parameters:
    ///   - handle: at the file's beginning; nobody else reads from it meanwhile.
    ///   - path: as messages name it.
    init(_ handle: FileHandle, path: String, bytesMaximum: Int) {
        self.handle = handle
        self.path = path
        self.bytesMaximum = bytesMaximum
    }

    /// The next line; nil at the end.
    mutating func next() throws(Failure) -> Line? {
        var bytes: [UInt8] = []
        while try fill() {
            let rest = piece[position...]
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            let part = rest[..<(end ?? rest.endIndex)]
            bytes.append(contentsOf: part.prefix(bytesMaximum + 1 - bytes.count))
            position = end.map { $0 + 1 } ?? piece.count
            offset += UInt64(part.count)
            guard end == nil else {
                offset += 1
                return Line(bytes: bytes, isEnded: true)
            }
        }
        return bytes.isEmpty ? nil : Line(bytes: bytes, isEnded: false)
    }

    /// - Returns: false at the end of the file.
    private mutating func fill() throws(Failure) -> Bool {
        guard position == piece.count else { return true }
        do {
            piece = try handle.read(upToCount: Self.pieceBytes).map { [UInt8]($0) } ?? []
        } catch {
            throw Failure(.file, "\(path) cannot be read: \(Failure.reason(error))")
        }
        position = 0
        return !piece.isEmpty
    }
}
