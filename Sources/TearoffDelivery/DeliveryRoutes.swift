/// How notices get out of the house.
package struct DeliveryRoutes: Equatable, Sendable {
    /// The server that takes the mail.
    package struct Mail: Equatable, Sendable {
        package enum Security: String, CaseIterable, Sendable {
            /// In clear.
            case none
            /// In clear up to STARTTLS; a server that does not offer it is told nothing more.
            case starttls
            /// From the first byte on.
            case tls
        }

        /// `host:port`
        package var server: String
        package var security = Security.starttls
        package var user: String?
        package var password: [UInt8]?
        package var sender: String

        package init(server: String, sender: String) {
            self.server = server
            self.sender = sender
        }
    }

    /// nil: no mail is sent.
    package var mail: Mail?
    /// For a whole try; to connect, it may take half of it.
    package var timeoutSeconds = 30
    /// Certificates to trust instead of the system's.
    package var authoritiesPath: String?

    package init() {}

    /// Why no mail is sent; nil when it is.
    package var mailProblem: String? {
        mail == nil ? "the server was started without --smtp-server, so it sends no e-mail" : nil
    }
}
