import ArgumentParser
import TearoffLog
import TearoffStorage

/// Which data directory: the options of every command that reads one without a server.
struct DirectoryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The data directory. Nothing in it is changed.", valueName: "dir"))
    var data: String

    @OptionGroup var key: KeyOptions

    @Flag(help: "Show what was asked for as JSON.")
    var json = false

    /// - Parameters:
    ///   - locks: whether no server may have it meanwhile.
    ///   - expectsLog: whether one that has lost its log is refused.
    func open(locks: Bool, expectsLog: Bool = true) throws(Failure) -> ReadOnlyDirectory {
        let key = try key.read()
        do throws(DataDirectoryError) {
            return try ReadOnlyDirectory(path: data, locks: locks, key: key, expectsLog: expectsLog)
        } catch {
            throw Failure(error, data)
        }
    }
}

/// A command that reads a data directory by itself, and changes nothing in it.
protocol OfflineCommand: ParsableCommand {
    var options: DirectoryOptions { get }
    /// - Throws: ``Failure`` or `RecoveryError`.
    func run(_ output: Output) throws
}

extension OfflineCommand {
    /// Runs, and turns what went wrong into words and an exit code.
    func run() throws {
        try Failure.told { try run(Output(isJSON: options.json)) }
    }
}

extension Failure {
    /// Turns what went wrong with a directory into words and an exit code.
    static func told(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as RecoveryError {
            try Failure(error.kind == .unreadable ? .file : .damaged, "\(error)").end()
        } catch let failure as Failure {
            try failure.end()
        }
    }

    /// With the path of what the error is about.
    static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DataDirectoryError {
            throw Failure(error, path)
        }
    }

    init(_ error: DataDirectoryError, _ path: String) {
        switch error {
        case .locked:
            self.init(
                .busy, "\(path) is in use by a server. Stop it first, or look at a copy of the directory.")
        case .expectedData:
            self.init(.file, "\(path) is missing or empty. Name the directory that tearoffd has as --data.")
        case .notOurs, .storage, .isBackup, .notEmpty, .tooManyKeys: self.init(.file, "\(path): \(error)")
        case .keyNeeded, .notEncrypted, .wrongKey: self.init(.wrongKey, "\(path): \(error)")
        case .damagedIdentity, .unsupportedVersion, .logMissing, .snapshotMissing, .damagedKeys, .alteredKeys:
            self.init(.damaged, "\(path): \(error). A server would refuse to start on it.")
        }
    }
}
