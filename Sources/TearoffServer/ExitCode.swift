/// How the process ends; the numbers are those of sysexits.h, so that service managers can tell them apart.
package enum ExitCode: Int32, CaseIterable, Sendable {
    case ok = 0
    /// Wrong flags.
    case usage = 64
    /// Something acknowledged is damaged or missing: the server refuses to start.
    case damagedData = 65
    /// The address cannot be listened on.
    case unavailable = 69
    /// The state contradicts itself: a ledger does not add up, or a code would have had two users.
    case contradiction = 70
    /// The directory cannot be used: it holds something else, or is expected to hold data and does not.
    case wrongDirectory = 73
    /// A read or write failed.
    case inputOutput = 74
    /// Another server has the directory.
    case locked = 75
    /// The data directory is encrypted and this is not its key, or the other way about.
    case wrongKey = 77
    /// Settings that contradict each other.
    case configuration = 78

    /// For `--help` and `docs/OPERATING.md`.
    package var meaning: String {
        switch self {
        case .ok: "stopped by SIGTERM, SIGINT or SHUTDOWN; everything is synced and sealed"
        case .usage: "wrong flags"
        case .damagedData:
            "refused to start: acknowledged data is damaged or missing; the message names file and offset"
        case .unavailable: "the address cannot be listened on"
        case .contradiction: "the state contradicts itself (ledger); stopped rather than give a code twice"
        case .wrongDirectory:
            "the data directory is something else, also a backup, or --expect-data met an empty one"
        case .inputOutput: "a read or write failed; what was acknowledged is on disk"
        case .locked: "another server, or a tearoffctl verify, has the data directory"
        case .wrongKey:
            "the data directory is encrypted and this is not its key, or there is none; or a key was given for one "
                + "that is not encrypted. Nothing was changed"
        case .configuration:
            "settings contradict each other, or a file that they name cannot be read or used, or no key can be had with "
                + "them"
        }
    }
}
