import ArgumentParser
import TearoffStorage

/// Where the operator's key of an encrypted directory comes from.
struct KeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The key of an encrypted directory is in this file.", valueName: "file"))
    var keyFile: String?

    @Option(help: ArgumentHelp("The key is what this command writes.", valueName: "command"))
    var keyCommand: String?

    func validate() throws {
        guard keyFile == nil || keyCommand == nil else {
            throw ValidationError("Give one of --key-file and --key-command.")
        }
    }

    /// - Returns: nil when none was named.
    func read() throws(Failure) -> OperatorKey? {
        try Self.read(keyFile.map(KeySource.file) ?? keyCommand.map(KeySource.command))
    }

    static func read(_ source: KeySource?) throws(Failure) -> OperatorKey? {
        do throws(OperatorKeyError) {
            return try source?.read()
        } catch {
            throw Failure(.file, "\(error)")
        }
    }
}

/// How a directory that is made is encrypted.
struct NewKeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Encrypt what is made with the key in this file. Else it is as what it is made of: not encrypted, or with "
                + "the same key.", valueName: "file"))
    var newKeyFile: String?

    @Flag(help: "Do not encrypt what is made.")
    var plain = false

    func validate() throws {
        guard newKeyFile == nil || !plain else { throw ValidationError("Give one of --new-key-file and --plain.") }
    }

    /// - Parameter source: the key of what it is made of.
    func key(else source: OperatorKey?) throws(Failure) -> OperatorKey? {
        plain ? nil : try KeyOptions.read(newKeyFile.map(KeySource.file)) ?? source
    }
}
