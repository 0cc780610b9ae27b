import TearoffCore
import TearoffEngine
import TearoffLog

/// A notice in words.
struct NoticeText {
    /// One line.
    let subject: String
    /// What is so, and what to do about it.
    let sentences: [String]
    /// A command that does it.
    let command: String?
}

extension NoticeText {
    init(_ notice: Notice) {
        let list = notice.list
        let left = "\(Self.count(notice.free)) of \(notice.uploaded) left"
        let refill = "tearoffctl list load \(list) FILE"
        let postpone = "tearoffctl list set \(list) --expires DATE"
        let expiry = notice.expiresAt.map { ", at \($0.iso8601)" } ?? ""
        switch notice.kind {
        case .test:
            self.init(
                subject: "Test: warnings of list \(list) reach you",
                sentences: [
                    "This is a test. You are a recipient of the warnings of list \(list), and they reach you.",
                    "The list has \(left).",
                ], command: nil)
        case .warning(.low):
            self.init(
                subject: "List \(list) is low: \(left)",
                sentences: ["List \(list) has \(left). Load more codes before its campaigns run dry."],
                command: refill)
        case .warning(.share(_, let percent)):
            self.init(
                subject: "List \(list) is down to \(percent) %: \(left)",
                sentences: [
                    "No more than \(percent) % of the codes of list \(list) are free: \(left). "
                        + "Load more before its campaigns run dry."
                ], command: refill)
        case .warning(.forecast(_, let hours)):
            self.init(
                subject: "List \(list) will be empty within \(hours) h: \(left)",
                sentences: [
                    "At the rate of the last hour or day, list \(list) will be empty within \(hours) hours: it has "
                        + "\(left). Load more codes before then."
                ], command: refill)
        case .warning(.empty):
            self.init(
                subject: "List \(list) is empty",
                sentences: [
                    "List \(list) has no free code left, so its campaigns give none, and finish. Load more codes, "
                        + "then let the campaigns go on: tearoffctl campaign resume CAMPAIGN"
                ], command: refill)
        case .warning(.expiring(let days)):
            self.init(
                subject: "List \(list) expires within \(days == 1 ? "a day" : "\(days) days")",
                sentences: [
                    "List \(list) expires within \(days == 1 ? "a day" : "\(days) days")\(expiry); it has \(left). "
                        + "From then on its campaigns give no code, not even one again."
                ], command: postpone)
        case .warning(.expired):
            self.init(
                subject: "List \(list) has expired",
                sentences: [
                    "List \(list) has expired, so its campaigns are finished; it had \(left). If it is to go on: set a "
                        + "later expiry, then tearoffctl campaign resume CAMPAIGN"
                ], command: postpone)
        }
    }

    private static func count(_ codes: UInt64) -> String { codes == 1 ? "1 code" : "\(codes) codes" }

    /// A mail's text.
    func plain(_ notice: Notice) -> String {
        let lines = sentences + (command.map { ["", "    \($0)"] } ?? []) + ["", Self.footer(notice)]
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    func html(_ notice: Notice) -> String {
        let paragraphs =
            sentences.map { "<p>\(Self.escaped($0))</p>" }
            + (command.map { ["<pre>\(Self.escaped($0))</pre>"] } ?? [])
            + ["<p><small>\(Self.escaped(Self.footer(notice)))</small></p>"]
        return "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>\(Self.escaped(subject))</title></head>"
            + "<body>\r\n\(paragraphs.joined(separator: "\r\n"))\r\n</body></html>\r\n"
    }

    private static func footer(_ notice: Notice) -> String {
        "From Tearoff, about what was so at \(notice.at.iso8601). Number \(notice.id)."
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}

/// The headers of a mail. What comes from outside stands in them encoded, so that none of it can begin another one.
enum MailHeaders {
    static func lines(_ notice: Notice, from sender: String, to address: String) -> [String] {
        let domain = sender.split(separator: "@").last ?? "localhost"
        return [
            "From: Tearoff <\(sender)>", "To: <\(address)>", "Subject: \(encoded(NoticeText(notice).subject))",
            "Date: \(date(notice.at))", "Message-ID: <\(notice.id)@\(domain)>", "Auto-Submitted: auto-generated",
        ]
    }

    /// An unstructured text as RFC 2047 has it: as it is when it is printable ASCII, else in encoded words.
    static func encoded(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !text.contains("=?"), text.utf8.count < 200 {
            return text
        }
        var words: [[UInt8]] = [[]]
        for character in text {
            let bytes = Array(String(character).utf8)
            // 45 bytes are 60 of base64, and a word has 75 at most; no character is cut in two.
            if words[words.count - 1].count + bytes.count > 45, !words[words.count - 1].isEmpty { words.append([]) }
            words[words.count - 1] += bytes
        }
        return words.map { "=?UTF-8?B?\(Base64.encode($0))?=" }.joined(separator: "\r\n ")
    }

    /// As RFC 5322 has it: `Mon, 01 Jun 2026 08:30:00 +0000`.
    static func date(_ time: Timestamp) -> String {
        let text = time.iso8601
        let fields = text.split { "-T:.Z".contains($0) }.compactMap { Int($0) }
        guard fields.count >= 6 else { return text }
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = days[Int(time.milliseconds / Day.milliseconds % 7)]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(day), \(two(fields[2])) \(months[fields[1] - 1]) \(fields[0]) \(two(fields[3])):\(two(fields[4])):"
            + "\(two(fields[5])) +0000"
    }
}
