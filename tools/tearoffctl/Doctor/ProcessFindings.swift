import Foundation

/// What the kernel says of the server's process and of its machine, when that is this one.
struct ProcessFindings {
    private let server: ServerFindings
    private let processID: Int

    /// - Returns: nil when the server's process is not on this machine, or cannot be told to be.
    init?(_ server: ServerFindings, isThisMachine: Bool) {
        guard isThisMachine, let id = server.processID,
            Self.read("/proc/\(id)/comm")?.trimmingCharacters(in: .whitespacesAndNewlines) == "tearoffd"
        else { return nil }
        self.server = server
        processID = id
    }

    var all: [Finding] { [descriptors, memory].compactMap { $0 } }

    private var descriptors: Finding? {
        guard let connections = server.connectionsMaximum, let loops = server.loops,
            let text = Self.read("/proc/\(processID)/limits"), let limit = Self.openFilesLimit(text)
        else { return nil }
        let needed = connections + DoctorLimits.descriptors(loops: loops)
        return Finding(
            "descriptors", limit >= needed ? .ok : .problem,
            "\(limit) allowed, \(needed) needed for \(connections) connections",
            advice:
                "Raise the limit of open files (LimitNOFILE in a service unit), or lower --max-connections.")
    }

    private var memory: Finding? {
        guard let used = server.residentBytes, let text = Self.read("/proc/meminfo"),
            let total = Self.meminfoBytes("MemTotal", text),
            let free = Self.meminfoBytes("MemAvailable", text)
        else { return nil }
        return Self.memory(used: used, free: free, total: total)
    }

    static func memory(used: Int, free: Int, total: Int) -> Finding {
        let taken = 100 - free * 100 / max(1, total)
        return Finding(
            "memory",
            Finding.state(
                taken, warnFrom: 100 - DoctorLimits.memoryWarnPercent,
                failFrom: 100 - DoctorLimits.memoryFailPercent),
            "\(size(used)) used by the server, \(size(free)) of \(size(total)) to be had",
            advice: "Rows and holds stay in memory: give the machine more, or move other programs away.")
    }

    /// The soft limit in `/proc/PID/limits`.
    static func openFilesLimit(_ limits: String) -> Int? {
        let name = "Max open files"
        guard let line = limits.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let soft = line.dropFirst(name.count).split(separator: " ").first
        else { return nil }
        return soft == "unlimited" ? .max : Int(soft)
    }

    /// A line of `/proc/meminfo`, which counts in KiB.
    static func meminfoBytes(_ name: String, _ text: String) -> Int? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kibibytes << 10
    }

    static func size(_ bytes: Int) -> String {
        let short = LoadProgress.short(Double(bytes))
        return "\(short.digits) \(short.prefix)B"
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
