extension Command {
    /// Which command of the table it is a form of.
    package var id: CommandID {
        switch self {
        case .alloc: .alloc
        case .allocMany: .allocMany
        case .hold: .hold
        case .confirm: .confirm
        case .release: .release
        case .preview: .preview
        case .listCreate: .listCreate
        case .listImport: .listImport
        case .listLoadBegin, .listLoadChunk, .listLoadCommit, .listLoadAbort, .listLoadErrors: .listLoad
        case .listInfo: .listInfo
        case .listUploads: .listUploads
        case .listUndo: .listUndo
        case .listArchive: .listArchive
        case .listReturn: .listReturn
        case .listDelete: .listDelete
        case .listAll: .listAll
        case .listSetExpires, .listSetWarning, .listRename, .listEdit, .listWarn, .listSetFixed: .listSet
        case .recipientAdd, .recipientRemove, .recipientTest: .listRecipient
        case .listRecipients: .listRecipients
        case .campaignCreate: .campaignCreate
        case .campaignSet: .campaignSet
        case .campaignInfo: .campaignInfo
        case .campaignAll: .campaignAll
        case .campaignFinish: .campaignFinish
        case .campaignResume: .campaignResume
        case .userHistory: .userHistory
        case .codeFind: .codeFind
        case .exportBegin: .exportBegin
        case .exportRead: .exportRead
        case .exportEnd: .exportEnd
        case .auditRead: .auditRead
        case .auditCheck: .auditCheck
        case .feedRead: .feedRead
        case .feedInfo: .feedInfo
        case .deliveryInfo: .deliveryInfo
        case .deliveryList: .deliveryList
        case .deliveryRetry: .deliveryRetry
        case .accountCreate: .accountCreate
        case .accountSet: .accountSet
        case .accountDelete: .accountDelete
        case .accountList: .accountList
        case .accountShow: .accountShow
        case .snapshot: .snapshot
        case .backup: .backup
        case .info: .info
        case .shutdown: .shutdown
        case .configGet: .configGet
        case .ping: .ping
        case .echo: .echo
        case .hello: .hello
        case .auth: .auth
        case .whoAmI: .whoAmI
        case .select: .select
        case .reset: .reset
        case .quit: .quit
        case .clientID: .clientID
        case .clientGetName: .clientGetName
        case .clientSetName: .clientSetName
        case .clientSetInfo: .clientSetInfo
        case .clientInfo: .clientInfo
        case .clientList: .clientList
        case .clientNoEvict: .clientNoEvict
        case .clientNoTouch: .clientNoTouch
        case .commandAll: .command
        case .commandCount: .commandCount
        case .commandList: .commandList
        case .commandInfo: .commandInfo
        case .commandDocs: .commandDocs
        case .commandGetKeys: .commandGetKeys
        }
    }
}
