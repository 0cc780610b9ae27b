"""Real receivers of warnings on loopback: an SMTP server (aiosmtpd) and an HTTP server that checks signatures."""

import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import time

import harness
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

# A receiver refuses messages that are older than this; so says the specification's reference.
TOLERANCE_SECONDS = 300


def certificate(directory):
    """A self-signed certificate for 127.0.0.1, and its key."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=tearoff-test", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True)
    return paths


class MailServer:
    """`with MailServer(...) as mail`: what came is in `mail.messages`, who gave a password in `mail.logins`."""

    def __init__(self, tls=None, user="tearoff", password="p@ss word", offers_tls=True):
        self.messages, self.logins, self.commands = [], [], []
        self.refusals = 0
        context = None
        if tls and offers_tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*tls)

        def authenticate(server, session, envelope, mechanism, data):
            self.logins.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=self.logins[-1] == (user, password))

        self.controller = Controller(
            self, hostname="127.0.0.1", port=harness.free_port(), tls_context=context, authenticator=authenticate,
            auth_require_tls=False, auth_required=user is not None, require_starttls=context is not None)

    @property
    def address(self):
        return f"127.0.0.1:{self.controller.port}"

    async def handle_DATA(self, server, session, envelope):
        if self.refusals > 0:
            self.refusals -= 1
            return "451 try again later"
        self.messages.append(
            (session.ssl is not None, envelope.mail_from, envelope.rcpt_tos,
             email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()


def verify(secret, headers, body):
    """As the Standard Webhooks specification has it; raises what is wrong."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identity, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert abs(time.time() - int(stamp)) < TOLERANCE_SECONDS, stamp
    signed = f"{identity}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    versions = [word.split(",", 1) for word in headers["webhook-signature"].split(" ")]
    assert any(version == "v1" and hmac.compare_digest(expected, found) for version, found in versions)
    return json.loads(body)


class Hook:
    """`with Hook() as hook`: each request's headers and body are in `hook.requests`; it answers as `statuses` say,
    and with 200 then."""

    def __init__(self, statuses=(), tls=None):
        self.requests, self.statuses, self.is_stuck = [], list(statuses), threading.Event()
        self.release = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.requests.append((dict(self.headers.items()), body))
                status = hook.statuses.pop(0) if hook.statuses else 200
                if status == "stuck":
                    hook.is_stuck.set()
                    hook.release.wait(harness.DEADLINE_SECONDS)
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", hook.url + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/hook"

    def notices(self, secret):
        """The bodies of all requests, each with a right signature."""
        return [verify(secret, headers, body) for headers, body in list(self.requests)]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
