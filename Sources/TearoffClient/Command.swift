import TearoffProtocol

extension TearoffClient {
    /// A command as it is sent, for ``TearoffClient/send(_:)`` and ``TearoffClient/pipeline(_:)``.
    ///
    ///     let reply = try await client.send(Command("LIST", "INFO", "june"))
    public struct Command: Sendable, Hashable {
        /// A RESP array of bulk strings.
        let encoded: [UInt8]

        /// - Parameter arguments: the command's words; no quoting is needed. At least one.
        public init(_ arguments: String...) { self.init(arguments) }

        /// - Parameter arguments: the command's words; no quoting is needed. At least one.
        public init(_ arguments: [String]) {
            var writer = CommandWriter()
            writer.command(arguments)
            encoded = writer.bytes
        }

        /// - Parameter arguments: the command's words, of any bytes. At least one.
        public init(bytes arguments: [[UInt8]]) {
            var writer = CommandWriter()
            writer.command(arguments)
            encoded = writer.bytes
        }
    }
}
