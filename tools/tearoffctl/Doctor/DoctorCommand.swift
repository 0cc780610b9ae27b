import ArgumentParser
import Foundation
import TearoffClient

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Checks a server, and with --data the machine that it runs on.",
        discussion: """
            A server, from anywhere:

              tearoffctl doctor --server 127.0.0.1:7071

            On the machine itself also its disk: some 200 durable writes to a file that is
            removed again, 2 seconds at most. It may run beside the server:

              tearoffctl doctor --data /var/lib/tearoff

            Before a server is there:

              tearoffctl doctor --data /var/lib/tearoff --no-server

            Each check is ok, a warning or a problem (or unknown, where it cannot be
            measured from here), with advice on standard error. The exit code is 4 when
            there is any problem.
            """)

    @Option(help: ArgumentHelp("Check this data directory's disk and this machine, too.", valueName: "dir"))
    var data: String?

    @Flag(help: "Check no server.")
    var noServer = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard data != nil || !noServer else {
            throw ValidationError("Without a server there is only --data DIR to be checked.")
        }
    }

    func run() async throws {
        do {
            var findings = noServer ? [] : try await server()
            if let data { findings += DirectoryFindings(path: data).all }
            let output = Output(isJSON: options.json)
            output.show(findings.map { Record($0) }, columns: ["check", "state", "found"], none: "")
            if !output.isJSON {
                for finding in findings {
                    if let advice = finding.advice { Terminal.words("\(finding.check): \(advice)") }
                }
            }
            let problems = findings.count { $0.state == .problem }
            guard problems == 0 else {
                throw Failure(.unhealthy, BadLineReport.count(problems, "problem") + ".")
            }
        } catch let failure as Failure {
            try failure.end()
        }
    }

    /// - Throws: ``Failure`` for the password file.
    private func server() async throws -> [Finding] {
        do {
            let client = try await options.connect()
            let asked = Self.nowMilliseconds
            let info = try await client.info()
            let server = ServerFindings(
                info: info, askedMilliseconds: asked, answeredMilliseconds: Self.nowMilliseconds)
            await client.close()
            return server.all + (ProcessFindings(server, isThisMachine: options.address.isThisMachine)?.all ?? [])
        } catch let error as TearoffError {
            return [ServerFindings.unreachable(error)]
        }
    }

    private static var nowMilliseconds: Int { Int(Date().timeIntervalSince1970 * 1_000) }
}
