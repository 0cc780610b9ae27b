import ArgumentParser
import Foundation
import TearoffCore
import TearoffStorage

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The keys of an encrypted data directory.",
        subcommands: [
            KeyMakeCommand.self, KeyShowCommand.self, KeyChangeCommand.self, KeyRotateCommand.self,
        ])

    static var now: Timestamp { Timestamp(milliseconds: UInt64(max(0, Date().timeIntervalSince1970 * 1_000))) }
}

struct KeyMakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Writes a new key into a new file, for its owner alone.",
        discussion: """
            64 hex digits, from the system's random numbers:

              tearoffctl key make /etc/tearoff/key
              tearoffd --data /var/lib/tearoff --key-file /etc/tearoff/key

            Keep a copy where the data directory and its backups are not: without the key
            nobody can read them, and with it anybody can.
            """)

    @Argument(help: ArgumentHelp("The file to make; one that is there is left as it is.", valueName: "file"))
    var file: String

    func run() throws {
        try Failure.told {
            do throws(OperatorKeyError) {
                let key = try OperatorKey.writeNew(to: file)
                Terminal.words("\(file) has the new key \(key.fingerprint).")
            } catch {
                throw Failure(.file, "\(error). Nothing was made.")
            }
        }
    }
}

struct KeyShowCommand: OfflineCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Lists the data keys of a directory, and changes nothing in it.",
        discussion: """
            The operator's key opens them, and shows here with its fingerprint only:

              tearoffctl key show --data /var/lib/tearoff --key-file /etc/tearoff/key
            """)

    @OptionGroup var options: DirectoryOptions

    func run(_ output: Output) throws {
        guard let keyring = try options.open(locks: false).keyring else {
            throw Failure(.wrongKey, "\(options.data) is not encrypted.")
        }
        let records = keyring.dataKeys.map { key in
            Record([
                "data-key": .integer(Int(key.number)),
                "made-at": Cell(Timestamp(milliseconds: key.createdMilliseconds)),
                "state": .text(key.number == keyring.dataKey ? "writes" : "reads"),
            ])
        }
        output.show(records, columns: ["data-key", "made-at", "state"], none: "")
    }
}

struct KeyChangeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Has a stopped server's directory want another key.",
        discussion: """
            Only the file KEYS is written anew, in a moment:

              tearoffctl key make /etc/tearoff/key-2
              tearoffctl key change --data /var/lib/tearoff \\
                  --key-file /etc/tearoff/key --new-key-file /etc/tearoff/key-2

            A start of the server with --previous-key-file does the same. Backups want the
            key that the directory wanted when they were written.

            Whoever has the old key and an old copy of KEYS can still read what the data
            keys of then encrypt: after the loss of a key, make another directory of a
            backup (tearoffctl restore), which has new ones.
            """)

    @OptionGroup var target: KeyTarget

    @Option(help: ArgumentHelp("The key that it wants from then on is in this file.", valueName: "file"))
    var newKeyFile: String

    func run() throws {
        try Failure.told {
            guard let next = try KeyOptions.read(.file(newKeyFile)) else { return }
            _ = try target.change(.operatorKey(next))
            Terminal.words("\(target.data) wants the key \(next.fingerprint) from now on.")
        }
    }
}

struct KeyRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Gives a stopped server's directory a new data key.",
        discussion: """
            What is written from then on is encrypted with it. The older ones stay, since
            what they encrypted stays:

              tearoffctl key rotate --data /var/lib/tearoff --key-file /etc/tearoff/key

            The operator's key stays the same; tearoffctl key change changes that.
            """)

    @OptionGroup var target: KeyTarget

    func run() throws {
        try Failure.told {
            let keyring = try target.change(.dataKey)
            Terminal.words("\(target.data) writes with data key \(keyring.dataKey) from now on.")
        }
    }
}

/// Which directory's keys are changed.
struct KeyTarget: ParsableArguments {
    @Option(help: ArgumentHelp("The data directory of a stopped server.", valueName: "dir"))
    var data: String

    @OptionGroup var key: KeyOptions

    func change(_ change: DataDirectory.KeyChange) throws -> Keyring {
        guard let key = try key.read() else {
            throw Failure(.usage, "Give the directory's key with --key-file or --key-command. Nothing was changed.")
        }
        return try Failure.naming(data) {
            try DataDirectory.changeKeys(
                path: data, change, with: key, timeMilliseconds: KeyCommand.now.milliseconds)
        }
    }
}
