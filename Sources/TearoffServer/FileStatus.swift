import Glibc

/// What stands at a path.
struct FileStatus {
    /// Names the file, whatever its path.
    struct Number: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    let number: Number
    let owner: uid_t
    private let mode: mode_t

    /// - Parameter followsLinks: whether a link is looked through.
    /// - Returns: nil when there is nothing that can be seen.
    init?(path: String, followsLinks: Bool) {
        var info = stat()
        // SAFETY: both calls fill the struct that they are given.
        guard unsafe (followsLinks ? stat(path, &info) : lstat(path, &info)) == 0 else { return nil }
        number = Number(device: UInt64(info.st_dev), inode: UInt64(info.st_ino))
        owner = info.st_uid
        mode = info.st_mode
    }

    var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
    /// Whether everybody on the machine can read or change it.
    var isOpenToOthers: Bool { mode & (S_IROTH | S_IWOTH) != 0 }
    /// As `chmod` takes it.
    var permissions: String { "0" + String(mode & 0o777, radix: 8) }
}
