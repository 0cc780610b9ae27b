import CCurl
import TearoffEngine

/// One transfer of libcurl, on one thread.
@safe final class CurlTransfer {
    /// Bytes that a receiver's answer may have; nobody reads them.
    private static let answerBytesMaximum = 64 << 10

    private let handle: UnsafeMutableRawPointer
    private var lists: [UnsafeMutablePointer<curl_slist>] = unsafe []
    private var mime: OpaquePointer?
    private let problem: UnsafeMutablePointer<CChar>
    private let answered: UnsafeMutablePointer<Int>

    /// nil when there is no memory for it.
    init?(_ routes: DeliveryRoutes) {
        guard let handle = unsafe curl_easy_init() else { return nil }
        unsafe self.handle = handle
        unsafe problem = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe problem.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        unsafe answered = .allocate(capacity: 1)
        unsafe answered.initialize(to: 0)
        // SAFETY: both live as long as the handle, which `deinit` ends first.
        unsafe tearoff_curl_set_error_buffer(handle, problem)
        unsafe tearoff_curl_set_write(
            handle,
            { _, size, count, answered in
                guard let answered = unsafe answered?.assumingMemoryBound(to: Int.self) else { return 0 }
                unsafe answered.pointee += size * count
                return unsafe answered.pointee > CurlTransfer.answerBytesMaximum ? 0 : size * count
            }, answered)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_TIMEOUT, routes.timeoutSeconds)
        set(CURLOPT_CONNECTTIMEOUT, max(1, routes.timeoutSeconds / 2))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let path = routes.authoritiesPath { set(CURLOPT_CAINFO, path) }
        set(CURLOPT_USERAGENT, "Tearoff")
    }

    deinit {
        // SAFETY: nothing uses them any more once the handle is gone.
        unsafe curl_easy_cleanup(handle)
        if let mime = unsafe mime { unsafe curl_mime_free(mime) }
        unsafe lists.forEach { list in unsafe curl_slist_free_all(list) }
        unsafe problem.deallocate()
        unsafe answered.deallocate()
    }

    private func set(_ option: CURLoption, _ value: Int) { unsafe tearoff_curl_set_long(handle, option, value) }
    private func set(_ option: CURLoption, _ text: String) { unsafe tearoff_curl_set_text(handle, option, text) }

    private func set(_ option: CURLoption, _ lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { unsafe list = curl_slist_append(list, line) }
        guard let list = unsafe list else { return }
        unsafe lists.append(list)
        unsafe tearoff_curl_set_list(handle, option, list)
    }

    func post(_ body: [UInt8], _ headers: [String], to url: String) {
        set(CURLOPT_URL, url)
        unsafe tearoff_curl_set_protocols(handle, "http,https")
        // Without it curl asks first whether a body may follow, and waits.
        set(CURLOPT_HTTPHEADER, headers + ["Expect:"])
        // SAFETY: curl copies so many bytes before the call returns.
        unsafe body.withUnsafeBytes { bytes in
            let characters = unsafe bytes.assumingMemoryBound(to: CChar.self)
            _ = unsafe tearoff_curl_set_bytes(handle, characters.baseAddress, characters.count)
        }
    }

    /// - Parameters:
    ///   - plain, html: the same in two forms.
    func send(
        _ headers: [String], plain: String, html: String, to address: String, through mail: DeliveryRoutes.Mail
    ) {
        set(CURLOPT_URL, (mail.security == .tls ? "smtps://" : "smtp://") + mail.server)
        unsafe tearoff_curl_set_protocols(handle, "smtp,smtps")
        // All of it or nothing: what is refused in clear ends the transfer before anything is said.
        if mail.security != .none { set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
        if let user = mail.user, let password = mail.password {
            set(CURLOPT_USERNAME, user)
            set(CURLOPT_PASSWORD, String(decoding: password, as: UTF8.self))
        }
        set(CURLOPT_MAIL_FROM, "<\(mail.sender)>")
        set(CURLOPT_MAIL_RCPT, ["<\(address)>"])
        set(CURLOPT_HTTPHEADER, headers + ["Content-Type: multipart/alternative"])
        // SAFETY: the parts belong to `both`, and that to this object; curl copies the texts.
        guard let both = unsafe curl_mime_init(handle) else { return }
        unsafe mime = both
        for (text, type) in [(plain, "text/plain; charset=utf-8"), (html, "text/html; charset=utf-8")] {
            let part = unsafe curl_mime_addpart(both)
            unsafe curl_mime_data(part, text, text.utf8.count)
            unsafe curl_mime_type(part, type)
            unsafe curl_mime_encoder(part, "quoted-printable")
        }
        unsafe tearoff_curl_set_mime(handle, both)
    }

    /// - Parameter judge: what the receiver's status means.
    func perform(_ judge: (Int) -> CourierReceipt) -> CourierReceipt {
        let code = unsafe curl_easy_perform(handle)
        let status = unsafe tearoff_curl_response_code(handle)
        // An answer that is too long is cut off; what it means stands at its beginning.
        if code == CURLE_OK || (code == CURLE_WRITE_ERROR && status > 0) { return judge(status) }
        let told = unsafe String(cString: problem)
        let words = unsafe told.isEmpty ? String(cString: curl_easy_strerror(code)) : told
        return .failed(String(words.map { $0.isASCII && !$0.isNewline ? $0 : "?" }))
    }
}
