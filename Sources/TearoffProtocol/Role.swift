/// What an account may be allowed, as commands and replies write it.
package enum Role: String, CaseIterable, Sendable {
    case allocate, operate, audit, reveal, export, admin
}

/// Which role a command asks for. `admin` may send every command, whatever this says.
package enum RoleNeed: Equatable, Sendable {
    /// None: whoever is logged in.
    case none
    case role(Role)
    /// One of the two.
    case either(Role, Role)

    /// As an error and the manual tell it.
    package var text: String {
        switch self {
        case .none: "none"
        case .role(let role): "`\(role.rawValue)`"
        case .either(let first, let second): "`\(first.rawValue)` or `\(second.rawValue)`"
        }
    }
}

extension CommandTable {
    /// An exhaustive switch, so that a new command that nobody thought of does not compile.
    package static func need(of id: CommandID) -> RoleNeed {
        switch id {
        case .alloc, .allocMany, .hold, .confirm, .release, .preview: .role(.allocate)
        case .listCreate, .listLoad, .listImport, .listUndo, .listArchive, .listReturn, .listDelete, .listSet,
            .listRecipient,
            .campaignCreate, .campaignSet, .campaignFinish, .campaignResume, .deliveryRetry, .snapshot, .backup:
            .role(.operate)
        case .listInfo, .listUploads, .listAll, .listRecipients, .campaignInfo, .campaignAll, .deliveryInfo,
            .deliveryList,
            .clientList:
            .either(.audit, .operate)
        case .userHistory, .codeFind, .auditRead, .auditCheck, .feedRead, .feedInfo: .role(.audit)
        case .exportBegin, .exportRead, .exportEnd: .role(.export)
        case .accountCreate, .accountSet, .accountDelete, .accountList, .accountShow, .shutdown: .role(.admin)
        case .info, .configGet, .ping, .echo, .hello, .auth, .whoAmI, .select, .reset, .quit, .clientID, .clientGetName,
            .clientSetName, .clientSetInfo, .clientInfo, .clientNoEvict, .clientNoTouch, .command, .commandCount,
            .commandList, .commandInfo, .commandDocs, .commandGetKeys:
            .none
        }
    }
}
