import CCurl
import Dispatch
package import TearoffCore
package import TearoffEngine

/// Sends notices with libcurl: mail by SMTP, webhooks by HTTP.
///
/// Each try blocks a thread of Dispatch's own, for ``DeliveryRoutes/timeoutSeconds`` at most; there are no more at a
/// time than the desk begins.
package struct CurlCourier: Courier {
    private let routes: DeliveryRoutes
    private let wallMilliseconds: @Sendable () -> UInt64
    private let threads = DispatchQueue(label: "courier", attributes: .concurrent)

    package init(_ routes: DeliveryRoutes, wallMilliseconds: @escaping @Sendable () -> UInt64) {
        self.routes = routes
        self.wallMilliseconds = wallMilliseconds
        // Before any other thread of ours uses it. Counted: a second courier in a process does no harm.
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    }

    package var mailProblem: String? { routes.mailProblem }

    package func send(
        _ notice: Notice, to recipient: Recipient, done: @escaping @Sendable (CourierReceipt) -> Void
    ) {
        threads.async {
            switch recipient.kind {
            case .email: done(mail(notice, to: recipient.address))
            case .webhook(let secret): done(call(notice, recipient.address, secret))
            }
        }
    }

    private func mail(_ notice: Notice, to address: String) -> CourierReceipt {
        guard let mail = routes.mail, let transfer = CurlTransfer(routes) else {
            return .failed(mailProblem ?? "no memory")
        }
        transfer.send(
            MailHeaders.lines(notice, from: mail.sender, to: address), plain: NoticeText(notice).plain(notice),
            html: NoticeText(notice).html(notice), to: address, through: mail)
        return transfer.perform { _ in .delivered }
    }

    private func call(_ notice: Notice, _ url: String, _ secret: [UInt8]) -> CourierReceipt {
        guard let transfer = CurlTransfer(routes) else { return .failed("no memory") }
        let body = Webhook.body(notice)
        let seconds = wallMilliseconds() / 1_000
        transfer.post(body, Webhook.headers(id: notice.id, seconds: seconds, body: body, secret: secret), to: url)
        return transfer.perform { status in
            switch status {
            case 200..<300: .delivered
            case 410: .gone("the webhook answered 410 Gone: it wants no more")
            default: .failed("the webhook answered \(status)")
            }
        }
    }
}
