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
        self.settings = settings
        self.logger = logger
    }

    /// Serves until somebody asks it to stop, or it must.
    ///
    /// - Parameter stopRequests: each element asks for a clean stop, and says who asked.
    package func run(stopRequests: AsyncStream<String>) async -> ExitCode {
        let directory: DataDirectory
        do throws(StartFailure) {
            directory = try openDirectory()
        } catch {
            return report(error)
        }
        let (reasons, request) = AsyncStream.makeStream(of: ServerState.StopReason.self)
        let loops = LoopGroup(loopCount: settings.loopCount)
        let code: ExitCode
        do throws(StartFailure) {
            let host = try await Host(
                settings: settings, logger: logger, directory: directory, loops: loops,
                stopRequested: { request.yield($0) })
            let relay = Task { for await who in stopRequests { host.state.shutdown(reason: who) } }
            code = await host.serve(until: reasons)
            relay.cancel()
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

    private func openDirectory() throws(StartFailure) -> DataDirectory {
        let directory: DataDirectory
        do throws(DataDirectoryError) {
            directory = try DataDirectory.open(
                path: settings.dataPath, expectData: settings.expectData, shardCount: settings.shardCount,
                newID: DirectoryID(bytes: (0..<DirectoryID.byteCount).map { _ in UInt8.random(in: 0...255) }),
                timeMilliseconds: WallClock.milliseconds())
        } catch {
            throw StartFailure(error)
        }
        if let path = settings.backupPath, BackupShelf(path: path).isInside(settings.dataPath) {
            throw StartFailure(
                .configuration,
                "--backup-directory \(path) lies in the data directory: choose another, best on another disk")
        }
        switch directory.origin {
        case .created:
            logger.warning(
                "directory.created",
                metadata: ["path": "\(settings.dataPath)", "note": "a NEW, EMPTY data directory was made"])
        case .opened:
            logger.notice("directory.opened", metadata: ["path": "\(settings.dataPath)"])
        }
        return directory
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
            case .damagedIdentity, .unsupportedVersion, .logMissing, .snapshotMissing: .damagedData
            case .expectedData, .notOurs, .isBackup, .notEmpty: .wrongDirectory
            }
        self.init(code, "\(error)")
    }

    init(_ error: RecoveryError) {
        self.init(error.kind == .unreadable ? .inputOutput : .damagedData, "\(error)")
    }
}
