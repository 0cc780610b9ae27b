package import Logging
import NIOCore
import NIOPosix
import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffStorage

/// A whole server: directory, loops, recovery, sockets, and the way down.
package struct Server: Sendable {
    package static let version = ServerState.version

    private let settings: ServerSettings
    private let logger: Logger

    package init(settings: ServerSettings, logger: Logger) {
        self.settings = OpenFiles.fitted(settings, logger)
        MemoryBudget.check(self.settings, logger)
        self.logger = logger
    }

    /// Serves until somebody asks it to stop, or it must.
    ///
    /// - Parameters:
    ///   - stopRequests: each element asks for a clean stop, and says who asked.
    ///   - reloadRequests: each element asks to read the certificates again.
    package func run(stopRequests: AsyncStream<String>, reloadRequests: AsyncStream<Void>) async -> ExitCode {
        let directory: DataDirectory
        let tls: TLSCertificates?
        do throws(StartFailure) {
            tls = try readCertificates()
            if let path = settings.adminSocketPath { try AdminSocket.check(path) }
            directory = try openDirectory()
        } catch {
            return report(error)
        }
        let (reasons, request) = AsyncStream.makeStream(of: ServerState.StopReason.self)
        let loops = LoopGroup(loopCount: settings.loopCount)
        let code: ExitCode
        do throws(StartFailure) {
            let host = try await Host(
                settings: settings, tls: tls, logger: logger, directory: directory, loops: loops,
                stopRequested: { request.yield($0) })
            let state = host.state
            state.noteExposedSecrets()
            state.noteCertificate()
            let relays = [
                Task { for await who in stopRequests { state.shutdown(reason: who) } },
                Task { for await _ in reloadRequests { loops.runInBackground { state.reloadCertificates() } } },
            ]
            code = await host.serve(until: reasons)
            for relay in relays { relay.cancel() }
        } catch {
            code = report(error)
        }
        await loops.shutDown()
        return code
    }

    private func report(_ failure: StartFailure) -> ExitCode {
        logger.critical("start.refused", metadata: ["reason": "\(failure.message)"])
        return failure.code
    }

    private func readCertificates() throws(StartFailure) -> TLSCertificates? {
        guard let files = settings.tls else { return nil }
        do throws(TLSFileError) {
            return try TLSCertificates(files)
        } catch {
            throw StartFailure(.configuration, "\(error)")
        }
    }

    private func openDirectory() throws(StartFailure) -> DataDirectory {
        let keys = try readKeys()
        let directory: DataDirectory
        do throws(DataDirectoryError) {
            directory = try DataDirectory.open(
                path: settings.dataPath, expectData: settings.expectData, shardCount: settings.shardCount,
                newID: DirectoryID(bytes: (0..<DirectoryID.byteCount).map { _ in UInt8.random(in: 0...255) }),
                timeMilliseconds: WallClock.milliseconds(), keys: keys)
        } catch {
            throw StartFailure(error)
        }
        if let path = settings.backupPath, BackupShelf(path: path).isInside(settings.dataPath) {
            throw StartFailure(
                .configuration,
                "--backup-directory \(path) lies in the data directory: choose another, best on another disk")
        }
        var metadata: Logger.Metadata = ["path": "\(settings.dataPath)"]
        if let keys { metadata["key"] = "\(keys.present.fingerprint)" }
        switch directory.origin {
        case .created:
            metadata["note"] = "a NEW, EMPTY data directory was made"
            logger.warning("directory.created", metadata: metadata)
        case .opened: logger.notice("directory.opened", metadata: metadata)
        }
        if let keys, directory.wantedPreviousKey {
            logger.notice("directory.key-changed", metadata: ["key": "\(keys.present.fingerprint)"])
        }
        return directory
    }

    /// - Returns: nil when none was named.
    private func readKeys() throws(StartFailure) -> OperatorKeys? {
        do throws(OperatorKeyError) {
            let source = settings.keyFile.map(KeySource.file) ?? settings.keyCommand.map(KeySource.command)
            guard let source else { return nil }
            let previous: OperatorKey? =
                if let path = settings.previousKeyFile { try KeySource.file(path).read() } else { nil }
            return OperatorKeys(try source.read(), previous: previous)
        } catch {
            throw StartFailure(.configuration, "\(error)")
        }
    }
}

/// Why a server could not start.
struct StartFailure: Error {
    let code: ExitCode
    let message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: DataDirectoryError) {
        let code: ExitCode =
            switch error {
            case .locked: .locked
            case .storage: .inputOutput
            case .damagedIdentity, .unsupportedVersion, .logMissing, .snapshotMissing, .damagedKeys, .alteredKeys:
                .damagedData
            case .keyNeeded, .notEncrypted, .wrongKey: .wrongKey
            case .expectedData, .notOurs, .isBackup, .notEmpty, .tooManyKeys: .wrongDirectory
            }
        self.init(code, "\(error)")
    }

    init(_ error: RecoveryError) {
        self.init(error.kind == .unreadable ? .inputOutput : .damagedData, "\(error)")
    }
}
