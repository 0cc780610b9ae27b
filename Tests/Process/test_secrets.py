"""Nothing that must stay secret stands where it may be read: in the log, in INFO, in a command line."""

import pathlib
import re

import pytest

import certificates
import harness
import receivers

NO_PROXY = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


def secret_file(path, text, mode=0o600):
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def test_no_log_line_has_a_secret_or_a_code(start, tmp_path):
    # Goal: what a whole run writes to its log, and tells in INFO, CONFIG and CLIENT, has no code, user, password, key
    # or webhook's secret. Method: each kind of thing that the server does or refuses, with --log-level debug, a crash
    # and a restart among it; then all of it is searched for everything that was secret.
    authority = certificates.Authority(tmp_path)
    pair = authority.issue("server")
    password, smtp_password = "open-sesame-4711", "mail-p@ss-0815"
    chosen = "whsec_" + "c2VjcmV0LXRoYXQtaXMtY2hvc2Vu" * 2
    (tmp_path / "backups").mkdir()
    with receivers.MailServer(tls=receivers.certificate(tmp_path / "mail"), password=smtp_password) as mail:
        flags = [
            "--log-level",
            "debug",
            "--tls-certificate",
            pair.certificate,
            "--tls-key",
            pair.key,
            "--password-file",
            secret_file(tmp_path / "password", password),
            "--backup-directory",
            tmp_path / "backups",
            "--smtp-server",
            mail.address,
            "--smtp-user",
            "tearoff",
            "--smtp-sender",
            "shop@example.org",
            "--smtp-password-file",
            secret_file(tmp_path / "smtp", smtp_password),
            "--test-delivery-pause-milliseconds",
            50,
            "--delivery-attempts",
            2,
            "--feed-repeats",
            "--admin-socket",
            tmp_path / "admin",
            "--segment-kib",
            1024,
        ]
        secrets = {password, smtp_password, chosen, pair.key.read_text().splitlines()[1]}
        told = []
        for life in range(2):
            server = start(*flags, tls=authority.client(), environment=NO_PROXY)
            with server.connect() as connection, receivers.Hook(statuses=[500, 500]) as hook:
                secrets |= work(connection, life, password, chosen, hook)
                told += [connection.call("INFO"), connection.call("CLIENT", "LIST")]
                told.append(repr(connection.call("CONFIG", "GET", "*")).encode())
            assert password not in command_line(server)
            told.append(command_line(server).encode())
            if life == 0:
                server.kill()
            else:
                server.stop()
            told.append(server.log.encode())
    everything = b"\n".join(told).decode(errors="replace")
    assert everything.count("server.ready") == 2 and everything.count("upload.committed") >= 2
    codes = {secret for secret in secrets if re.fullmatch(r"X[0-9]Y[0-9]{8}", secret)}
    assert len(codes) == 2_000
    found = {secret for secret in secrets if secret in everything}
    assert not found, sorted(found)[:5]


def work(connection, life, password, chosen, hook):
    """Everything that a server does, and refuses, once; returns what is secret of it."""
    with pytest.raises(harness.ErrorReply):
        connection.call("AUTH", "wrong-" + password)
    connection.call("AUTH", password)
    prefix, june, summer = f"X{life}Y", f"june{life}", f"summer{life}"
    secrets = {f"{prefix}{number:08d}" for number in range(1, 1_001)} | {"wrong-" + password}
    connection.call("LIST", "CREATE", june, "UNIQUE", "WARN", 995)
    connection.call("LIST", "CREATE", june + "fixed", "FIXED", f"SECRET{life}FIXED", 10)
    secrets.add(f"SECRET{life}FIXED")
    assert harness.get_upload(connection, june, harness.codes(1_000, prefix))[b"status"] == b"loaded"
    # A second time: all its lines are bad.
    upload = connection.call("LIST", "LOAD", june, "BEGIN", "again.txt")
    connection.call("LIST", "LOAD", june, "CHUNK", upload, harness.codes(1_000, prefix) + b"a bad line\n")
    assert harness.as_map(connection.call("LIST", "LOAD", june, "COMMIT", upload))[b"status"] == b"refused"
    connection.call("CAMPAIGN", "CREATE", summer, "LIST", june)
    made = connection.call_map("LIST", "RECIPIENT", june, "ADD", "WEBHOOK", hook.url)[b"secret"].decode()
    connection.call("LIST", "RECIPIENT", june, "ADD", "WEBHOOK", hook.url + "/2", "SECRET", chosen)
    connection.call("LIST", "RECIPIENT", june, "ADD", "EMAIL", "ops@example.org")
    secrets |= {made, made.removeprefix("whsec_"), chosen.removeprefix("whsec_")}
    users = [f"secret-user-{life}-{number}" for number in range(20)]
    secrets |= set(users)
    given = harness.allocate_all(connection, summer, users + users)
    assert given[:20] == given[20:]
    connection.error_of("CODE", "FIND", f"{prefix}00000001", "EXTRA")
    connection.error_of("ALLOC", "nosuch", users[0])
    connection.error_of("ALLOC", summer, "u" * 256)
    connection.error_of("LIST", "SET", june + "fixed", "CODE", f"SECRET{life}FIXED", "NONSENSE", "x")
    connection.error_of("LIST", "RECIPIENT", june, "ADD", "WEBHOOK", "not a url", "SECRET", chosen)
    connection.call("HOLD", summer, users[0] + "h", "FOR", "1s")
    connection.call("CODE", "FIND", f"{prefix}00000001")
    connection.call("USER", "HISTORY", users[0])
    connection.call("PREVIEW", summer)
    harness.wait_until(lambda: hook.requests, "a warning is sent")
    connection.call("SNAPSHOT")
    connection.call("BACKUP", f"backup{life}")
    connection.call("CAMPAIGN", "FINISH", summer)
    return secrets


def command_line(server):
    return pathlib.Path(f"/proc/{server.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_no_setting_takes_a_secret_itself():
    # Goal: a secret cannot be given on a command line. Method: each setting whose name speaks of one is a file, or
    # what writes it.
    import test_operating

    flags = re.findall(r"^  (--\S+)(?: (\S+))?", test_operating.help_text(), re.MULTILINE)
    told = [(flag, value) for flag, value in flags if re.search("password|key|secret|token", flag)]
    assert len(told) >= 3
    assert all(value in ("FILE", "COMMAND") or flag.startswith(("--allow-", "--test-")) for flag, value in told), told


@pytest.mark.parametrize("mode, is_told", [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_secrets_that_others_can_read_are_warned_of(start, tmp_path, mode, is_told):
    # Goal: a careless mode is told, with the file's name and not its content. Method: modes of the password's file,
    # the mail password's and the key, each also behind a link, as mounted secrets are.
    pair = certificates.Authority(tmp_path).issue("server")
    pair.key.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(secret_file(tmp_path / "password", "sesame-1", mode))
    smtp = secret_file(tmp_path / "smtp", "sesame-2", mode)
    server = start(
        "--password-file",
        link,
        "--tls-certificate",
        pair.certificate,
        "--tls-key",
        pair.key,
        "--smtp-server",
        "127.0.0.1:1",
        "--smtp-user",
        "u",
        "--smtp-sender",
        "a@example.org",
        "--smtp-password-file",
        smtp,
    )
    lines = [line for line in server.lines if "secret.exposed" in line]
    assert len(lines) == (3 if is_told else 0), server.log
    if is_told:
        assert all(any(str(path) in line for line in lines) for path in (link, smtp, pair.key))
        assert all(f"mode=0{mode:o}" in line for line in lines)
    assert "sesame" not in server.log
