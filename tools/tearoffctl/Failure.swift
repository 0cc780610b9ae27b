import ArgumentParser
import Foundation
import TearoffClient

/// The exit codes; `--help` and docs/CLI.md list them. Those from 64 on are of sysexits.h.
enum Exit: Int32, CaseIterable {
    case refused = 1
    case badLines = 2
    case damaged = 3
    case unhealthy = 4
    case usage = 64
    case brokenTrail = 65
    case unreachable = 69
    case protocolViolation = 70
    case file = 74
    case busy = 75
    case wrongKey = 77
    /// 128 and SIGINT, as shells count.
    case interrupted = 130
}

/// What ends a command early: words for the person, an exit code for the script.
struct Failure: Error, Equatable {
    let exit: Exit
    let message: String

    init(_ exit: Exit, _ message: String) {
        self.exit = exit
        self.message = message
    }

    init(_ error: TearoffError) {
        switch error.code {
        case .unreachable, .tls, .connectionLost, .timeout, .closed, .cancelled: exit = .unreachable
        case .invalidReply, .protocolViolation, .noProtocol, .unknownCommand: exit = .protocolViolation
        case .busy, .loading, .shutdown: exit = .busy
        default: exit = .refused
        }
        message = error.code.isFromServer ? "\(error.code.name) \(error.message)" : error.message
    }

    /// Says it, and ends the command.
    func end() throws -> Never {
        Terminal.words(message)
        throw ExitCode(exit.rawValue)
    }

    /// Why a file could not be read or written, in a few words: Foundation's own sentences name no cause.
    static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return error.localizedDescription }
        return switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: "no such file or directory"
        case .fileReadNoPermission, .fileWriteNoPermission: "permission denied"
        case .fileWriteOutOfSpace: "no space left"
        default: error.localizedDescription
        }
    }
}

/// A command that talks to the server.
protocol ServerCommand: AsyncParsableCommand {
    var options: ServerOptions { get }
    /// - Throws: ``Failure`` or `TearoffError`.
    func run(_ client: TearoffClient, _ output: Output) async throws
}

extension ServerCommand {
    /// Connects, runs, and turns what went wrong into words and an exit code.
    func run() async throws {
        do {
            let client = try await options.connect()
            try await run(client, Output(isJSON: options.json))
            await client.close()
        } catch let error as TearoffError {
            try Failure(error).end()
        } catch let failure as Failure {
            try failure.end()
        }
    }
}
