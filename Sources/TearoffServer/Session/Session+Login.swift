import NIOCore
import TearoffAccounts
import TearoffCore
import TearoffEngine
import TearoffProtocol

/// Logging in. Passwords of accounts are hashed aside, and failures held back by a timer: the connection waits meanwhile,
/// and no thread does.
extension Session {
    /// - Parameter welcome: writes the reply of who is in.
    func authenticate(
        _ credentials: Credentials, on connection: ConnectionHandler, _ writer: inout ReplyWriter,
        _ welcome: @escaping (Session, inout ReplyWriter) -> Void
    ) -> SessionOutcome {
        let password = credentials.password.bytes
        if credentials.account ?? Account.everybody == Account.everybody, let expected = server.settings.password {
            guard let attempt = begin(&writer) else { return .answered }
            guard ConstantTime.isSame(password, expected) else { return refuse(attempt, on: connection) }
            server.logins.end(attempt)
            become(.serverPassword)
            welcome(self, &writer)
            return .answered
        }
        guard let accounts = connection.loop.engine?.catalog.accounts else {
            writer.error(.loading, "the server is recovering its data, and its accounts with it")
            return .answered
        }
        if server.settings.password == nil, accounts.isEmpty {
            writer.error(.unknownCommand, "AUTH called, but this server has no password and no accounts")
            return .answered
        }
        guard let attempt = begin(&writer) else { return .answered }
        let account = credentials.account.flatMap { accounts[$0] }
        if let account, server.logins.passwords.remembers(password, of: account) {
            server.logins.end(attempt)
            become(.account(account))
            welcome(self, &writer)
            return .answered
        }
        verify(password, of: account, attempt, on: connection, welcome)
        return .later
    }

    /// - Returns: nil when an error was written.
    private func begin(_ writer: inout ReplyWriter) -> FailureDelays.Attempt? {
        let attempt = server.logins.begin(from: addressKey)
        if attempt == nil {
            writer.error(
                .busy,
                "\(FailureDelays.openMaximum) attempts to log in from this address are under way or held back "
                    + "after failures; try again in some seconds")
        }
        return attempt
    }

    private func verify(
        _ password: [UInt8], of account: Account?, _ attempt: FailureDelays.Attempt, on connection: ConnectionHandler,
        _ welcome: @escaping (Session, inout ReplyWriter) -> Void
    ) {
        let eventLoop = connection.loop.eventLoop
        let waiting = NIOLoopBound((session: self, connection: connection, welcome: welcome), eventLoop: eventLoop)
        server.logins.passwords.verify(password, of: account) { verdict in
            eventLoop.execute {
                let (session, connection, welcome) = waiting.value
                session.settle(verdict, of: account, attempt, on: connection, welcome)
            }
        }
    }

    private func settle(
        _ verdict: PasswordDesk.Verdict, of account: Account?, _ attempt: FailureDelays.Attempt,
        on connection: ConnectionHandler, _ welcome: (Session, inout ReplyWriter) -> Void
    ) {
        // As it is by now: it may have been deleted, or have another password.
        let now = account.flatMap { connection.loop.engine?.catalog.accounts[$0.name] }
        switch verdict {
        case .busy:
            server.logins.end(attempt)
            connection.answer { writer in
                writer.error(.busy, "\(PasswordDesk.waitingMaximum) passwords wait to be looked at; try again")
            }
        case .right where now?.password == account?.password:
            server.logins.end(attempt)
            // Who has gone meanwhile is no client any more.
            if let now, connection.isConnected { become(.account(now)) }
            connection.answer { writer in welcome(self, &writer) }
        case .right, .wrong: holdBack(attempt, on: connection)
        }
    }

    private func refuse(_ attempt: FailureDelays.Attempt, on connection: ConnectionHandler) -> SessionOutcome {
        holdBack(attempt, on: connection)
        return .later
    }

    /// Answers that it failed, in a while.
    private func holdBack(_ attempt: FailureDelays.Attempt, on connection: ConnectionHandler) {
        let (delay, attempt) = server.logins.fail(attempt, from: address)
        let eventLoop = connection.loop.eventLoop
        let waiting = NIOLoopBound((session: self, connection: connection), eventLoop: eventLoop)
        eventLoop.scheduleTask(in: delay) {
            let (session, connection) = waiting.value
            session.server.logins.end(attempt)
            connection.answer { $0.error(.wrongPassword, "invalid username-password pair") }
        }
    }
}
