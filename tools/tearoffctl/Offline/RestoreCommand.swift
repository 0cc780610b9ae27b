import ArgumentParser
import TearoffOffline
import TearoffStorage

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes a data directory of a backup.",
        discussion: """
            Nobody knows what was given after the backup, and no code may be given
            twice. So say how many codes of each list are not to be given any more:

              tearoffctl restore --backup monday --data /var/lib/tearoff --burn 100000
              tearoffctl restore --backup monday --data /var/lib/tearoff --burn-all

            or that the old server has given nothing since:

              tearoffctl restore --backup monday --data /var/lib/tearoff \\
                  --nothing-was-given-since

            Without one of these it asks, if there is a terminal. The backup is read
            through before anything is made, and stays as it is.

            An encrypted backup wants the key that its directory wanted then. What is made
            of it is encrypted, too; --new-key-file encrypts what was not, or with another
            key, and with other data keys in any case:

              tearoffctl restore --backup monday --data /var/lib/tearoff \\
                  --nothing-was-given-since --new-key-file /etc/tearoff/key
            """)

    @Option(help: ArgumentHelp("The backup's directory. Nothing in it is changed.", valueName: "dir"))
    var backup: String

    @Option(help: ArgumentHelp("The data directory to make: a new or an empty one.", valueName: "dir"))
    var data: String

    @OptionGroup var burned: BurningOptions

    @OptionGroup var key: KeyOptions

    @OptionGroup var newKey: NewKeyOptions

    @Flag(help: "Show the lists as JSON.")
    var json = false

    func run() throws {
        try Failure.told {
            let key = try key.read()
            let directory = try Failure.naming(backup) { try BackupDirectory(path: backup, key: key) }
            let source = try RestoreSource(directory, path: backup)
            try source.restore(
                into: data, burning: try burned.chosen ?? BurningQuestion(of: source, noun: "backup").ask(),
                as: "tearoffctl restore", key: try newKey.key(else: key), Output(isJSON: json))
        }
    }
}
