import Foundation

extension FileHandle {
    /// Opens a file that codes go into, or makes it, for its owner alone: whoever knows a code can use it.
    ///
    /// - Parameter flags: of `open`, beside those for reading, writing and making.
    static func ofCodes(_ path: String, flags: CInt = 0) throws(Failure) -> FileHandle {
        // SAFETY: the string lives as long as the call.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0o600)
        guard descriptor >= 0 else {
            // SAFETY: strerror gives a C string, which is copied at once.
            throw Failure(.file, "\(path) cannot be written: \(unsafe String(cString: strerror(errno)))")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
