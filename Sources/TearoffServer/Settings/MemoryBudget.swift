import Foundation
import Logging

/// What clients may make the server hold, against what the process may have.
enum MemoryBudget {
    /// Of the process's memory; the rest is for codes, users and what a snapshot or an upload takes for a while.
    private static let clientsShare = 0.5

    /// Warns when clients that use all they may have would leave lists too little room. What runs out of memory is killed
    /// (DURABILITY, rows 30 and 31): nothing acknowledged is lost by it, and nothing served meanwhile.
    static func check(_ settings: ServerSettings, _ logger: Logger) {
        let connections = settings.connectionsMaximum * 2 * ServerLimits.connectionBytes
        let clients = UInt64(connections + settings.clientMemoryBytes)
        guard let limit = limitBytes, Double(clients) > clientsShare * Double(limit) else { return }
        logger.warning(
            "start.little-memory",
            metadata: [
                "memory_limit": "\(limit)", "clients_may_hold": "\(clients)",
                "advice": "lower --max-connections or --client-memory-mib",
            ])
    }

    /// The least of what the machine has and what the process's control groups allow; nil when neither is told.
    private static var limitBytes: UInt64? { ([machineBytes] + groupBytes).compactMap { $0 }.min() }

    private static var machineBytes: UInt64? {
        let total = text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return total?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 << 10 }
    }

    /// Of the process's group and those around it, in either version; "max" and what is no number do not limit.
    private static var groupBytes: [UInt64?] {
        let lines = text("/proc/self/cgroup")?.split(separator: "\n") ?? []
        return lines.flatMap { line -> [UInt64?] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            switch parts[1] {
            case "": return limits(below: "/sys/fs/cgroup", parts[2], "memory.max")
            case "memory": return limits(below: "/sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes")
            default: return []
            }
        }
    }

    private static func limits(below root: String, _ group: Substring, _ file: String) -> [UInt64?] {
        var path = root
        return [number("\(path)/\(file)")]
            + group.split(separator: "/").map {
                path += "/\($0)"
                return number("\(path)/\(file)")
            }
    }

    private static func number(_ path: String) -> UInt64? {
        text(path).flatMap { UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
