import Foundation
import TearoffClient

/// The file that is loaded, read piece by piece.
final class CodeFile: Sendable {
    /// As messages and the upload name it.
    let name: String
    /// Its size when it was opened; nil for a pipe.
    let byteCount: Int?
    private let handle: FileHandle

    /// - Parameter path: `-` is standard input.
    init(path: String) throws(Failure) {
        if path == "-" {
            name = "standard-input"
            byteCount = nil
            handle = .standardInput
            return
        }
        name = URL(filePath: path).lastPathComponent
        do {
            let values = try URL(filePath: path).resourceValues(forKeys: [.isDirectoryKey])
            guard values.isDirectory != true else { throw Failure(.file, "\(path) is a directory.") }
            handle = try FileHandle(forReadingFrom: URL(filePath: path))
            let size = try handle.seekToEnd()
            try handle.seek(toOffset: 0)
            byteCount = size > 0 ? Int(size) : nil
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.file, "\(path) cannot be read: \(Failure.reason(error))")
        }
    }

    /// The next bytes; nil at the end. Waits on a thread of its own, since a pipe may be silent for long.
    func next() async throws(Failure) -> [UInt8]? {
        let result: Result<Data?, any Error> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [handle] in
                continuation.resume(
                    returning: Result { try handle.read(upToCount: TearoffClient.Limits.uploadChunkBytes) })
            }
        }
        switch result {
        case .success(let data): return data.flatMap { $0.isEmpty ? nil : [UInt8]($0) }
        case .failure(let error): throw Failure(.file, "\(name) cannot be read: \(Failure.reason(error))")
        }
    }
}
