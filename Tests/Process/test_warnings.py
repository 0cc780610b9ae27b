"""Warnings that reach people: a real server, a real SMTP server and a real webhook on loopback."""

import json
import subprocess

import harness
import pytest
import receivers

# No test waits for the pauses of hours.
SHORT = ("--test-delivery-pause-milliseconds", 50)
# curl would ask a proxy that the environment names.
NO_PROXY = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def run(start):
    def run(*flags, **settings):
        server = start(*flags, environment=NO_PROXY, **settings)
        harness.wait_until(lambda: not is_loading(server), "the feed")
        return server

    return run


def is_loading(server):
    with server.connect() as connection:
        connection.send("FEED", "READ", 1)
        return isinstance(connection.read(), harness.ErrorReply)


def supply(server, count, prefix="C", warn=None):
    """A list with codes and a campaign."""
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE", *(["WARN", warn] if warn is not None else []))
        harness.get_upload(connection, "june", harness.codes(count, prefix))
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june")


def add_hook(server, hook, *options):
    """The secret that the server made."""
    with server.connect() as connection:
        reply = connection.call_map("LIST", "RECIPIENT", "june", "ADD", "WEBHOOK", hook.url, *options)
    return reply[b"secret"] and reply[b"secret"].decode()


def add_mail(server, address="ops@example.org"):
    with server.connect() as connection:
        return connection.call_map("LIST", "RECIPIENT", "june", "ADD", "EMAIL", address)


def give(server, users):
    with server.connect() as connection:
        for user in users:
            connection.call("ALLOC", "summer", user)


def refill(server, count, prefix):
    with server.connect() as connection:
        harness.get_upload(connection, "june", harness.codes(count, prefix))
        if harness.as_map(connection.call("CAMPAIGN", "INFO", "summer"))[b"state"] == b"finished":
            connection.call("CAMPAIGN", "RESUME", "summer")


def wait_sent(server, count):
    harness.wait_until(lambda: server.info()["deliveries_sent"] >= count, f"{count} deliveries")
    assert server.info()["deliveries_open"] == 0


def deliveries(server):
    with server.connect() as connection:
        return [harness.as_map(row) for row in connection.call("DELIVERY", "LIST")]


def mail_flags(mail, tmp_path, tls=None, security="starttls"):
    password = tmp_path / "password"
    password.write_text("p@ss word\nnot this\n")
    flags = ["--smtp-server", mail.address, "--smtp-sender", "tearoff@example.org", "--smtp-security", security]
    if security != "none":
        flags += ["--smtp-user", "tearoff", "--smtp-password-file", password]
    return flags + (["--delivery-ca-file", tls[0]] if tls else [])


def test_a_webhook_is_told_once_for_each_crossing(run):
    # Goal: low and empty come once each, signed, and again behind a refill, though the server is killed in between.
    # Method: an HTTP receiver that checks the signature as the specification says.
    with receivers.Hook() as hook:
        server = run()
        supply(server, 3, warn=1)
        secret = add_hook(server, hook)
        give(server, ["u1", "u2", "u3"])
        harness.wait_until(lambda: len(hook.requests) >= 2, "two requests")
        server.kill()
        server = run()
        refill(server, 2, "R")
        give(server, ["v1", "v2"])
        harness.wait_until(lambda: len({headers["webhook-id"] for headers, _ in hook.requests}) == 4, "four warnings")
        notices = hook.notices(secret)
        seen = {headers["webhook-id"]: notice for (headers, _), notice in zip(hook.requests, notices)}
        # Once more is allowed for what the kill caught, under the same id.
        assert sorted(notice["type"] for notice in seen.values()) == [
            "list.empty", "list.empty", "list.low", "list.low"]
        low = notices[0] if notices[0]["type"] == "list.low" else notices[1]
        assert low["data"]["list"] == "june" and low["data"]["uploaded"] == 3 and low["data"]["remaining"] <= 1
        text = b"".join(body for _, body in hook.requests)
        assert b"C0000" not in text and b"R0000" not in text


def test_a_mail_by_starttls_and_auth(run, tmp_path):
    # Goal: plain text and HTML, under TLS and with the right password. Method: a real SMTP server with a certificate
    # of the test's.
    tls = receivers.certificate(tmp_path / "tls")
    with receivers.MailServer(tls) as mail:
        server = run(*mail_flags(mail, tmp_path, tls))
        supply(server, 2)
        assert add_mail(server)[b"problem"] is None
        give(server, ["u1", "u2"])
        wait_sent(server, 1)
        [(is_encrypted, sender, to, message)] = mail.messages
        assert is_encrypted and mail.logins == [("tearoff", "p@ss word")]
        assert (sender, to) == ("tearoff@example.org", ["ops@example.org"])
        assert message["Subject"] == "List june is empty" and message["Date"] and message["Message-ID"]
        assert message.get_content_type() == "multipart/alternative"
        plain, html = message.iter_parts()
        assert plain.get_content_type() == "text/plain" and html.get_content_type() == "text/html"
        for part in [plain, html]:
            assert "june" in part.get_content() and "tearoffctl list load june FILE" in part.get_content()
        assert "C0000" not in message.as_string()
        assert "p@ss" not in server.log


def test_starttls_is_required(run, tmp_path):
    # Goal: a server without STARTTLS is told no password and no mail. Method: one that offers AUTH in clear.
    with receivers.MailServer(offers_tls=False) as mail:
        server = run(*mail_flags(mail, tmp_path), "--delivery-attempts", 2, *SHORT)
        supply(server, 1)
        add_mail(server)
        give(server, ["u1"])
        server.wait_log("delivery.dead")
        assert mail.logins == [] and mail.messages == []
        assert deliveries(server)[0][b"attempts"] == 2


def test_an_unknown_certificate_is_refused(run, tmp_path):
    # Goal: who is not trusted gets nothing, by mail and by HTTPS; with the CA file both do. Method: a server without
    # it, then one with it.
    tls = receivers.certificate(tmp_path / "tls")
    with receivers.MailServer(tls) as mail, receivers.Hook(tls=tls) as hook:
        server = run(*mail_flags(mail, tmp_path), "--delivery-attempts", 1, *SHORT)
        supply(server, 1)
        add_mail(server)
        secret = add_hook(server, hook)
        give(server, ["u1"])
        harness.wait_until(lambda: server.info()["deliveries_dead"] == 2, "two dead letters")
        assert mail.logins == [] and mail.messages == [] and hook.requests == []
        server.stop()
        server = run(*mail_flags(mail, tmp_path, tls))
        # What is still to be sent is read beside the start.
        harness.wait_until(lambda: server.info()["deliveries_dead"] == 2, "the dead letters are read")
        assert server.call("DELIVERY", "RETRY", "ALL") == 2
        wait_sent(server, 2)
        assert len(mail.messages) == 1 and [notice["type"] for notice in hook.notices(secret)] == ["list.empty"]


def test_what_fails_is_tried_again_under_the_same_id(run):
    # Goal: 500 twice, then 200: one warning, three tries, each signed anew. Method: a receiver that says so.
    with receivers.Hook([500, 500]) as hook:
        server = run(*SHORT)
        supply(server, 1)
        secret = add_hook(server, hook)
        give(server, ["u1"])
        wait_sent(server, 1)
        assert len(hook.notices(secret)) == 3
        assert len({headers["webhook-id"] for headers, _ in hook.requests}) == 1


def test_a_kill_in_between_loses_nothing(run):
    # Goal: a warning that waits, or is under way, comes after a SIGKILL. Method: a receiver that does not answer, and
    # one that is down.
    with receivers.Hook(["stuck"]) as hook, receivers.Hook([503]) as other:
        server = run()
        supply(server, 1)
        secret, other_secret = add_hook(server, hook), add_hook(server, other)
        give(server, ["u1"])
        assert hook.is_stuck.wait(harness.DEADLINE_SECONDS)
        harness.wait_until(lambda: any(row[b"attempts"] == 1 for row in deliveries(server)), "a try that failed")
        server.kill()
        hook.release.set()
        server = run(*SHORT)
        harness.wait_until(lambda: server.info()["deliveries_open"] == 0, "all sent")
        assert [notice["type"] for notice in hook.notices(secret)] == ["list.empty"] * 2
        assert [notice["type"] for notice in other.notices(other_secret)] == ["list.empty"] * 2
        assert len({headers["webhook-id"] for headers, _ in hook.requests + other.requests}) == 2


def test_dead_letters_are_shown_and_retried(run):
    # Goal: after the limit a letter is dead, over a restart, is told of, and goes out by command; 410 is dead at
    # once, a redirect is not followed. Method: tearoffctl.
    with receivers.Hook([500, 500, 500]) as hook, receivers.Hook([410]) as gone, receivers.Hook([302] * 3) as moved:
        server = run("--delivery-attempts", 3, *SHORT)
        supply(server, 1)
        secret = add_hook(server, hook)
        add_hook(server, gone)
        add_hook(server, moved)
        give(server, ["u1"])
        harness.wait_until(lambda: server.info()["deliveries_dead"] == 3, "dead letters")
        assert len(gone.requests) == 1 and len(moved.requests) == 3
        server.stop()
        server = run("--delivery-attempts", 3, *SHORT)
        shown = json.loads(tool(server, "delivery", "all", "--json").stdout)
        rows = {row["address"]: row for row in shown}
        assert rows[hook.url]["attempts"] == 3 and "500" in rows[hook.url]["problem"]
        assert rows[gone.url]["attempts"] == 1 and "410" in rows[gone.url]["problem"]
        assert rows[moved.url]["state"] == "dead" and rows[moved.url]["list"] == "june"
        doctor = tool(server, "doctor", check=False)
        assert "deliveries" in doctor.stderr and "tearoffctl delivery retry" in doctor.stderr
        tool(server, "delivery", "retry", rows[hook.url]["delivery"])
        wait_sent(server, 1)
        assert len(hook.notices(secret)) == 4
        with server.connect() as connection:
            assert connection.error_of("DELIVERY", "RETRY", rows[hook.url]["delivery"]) == "NODELIVERY"
        info = json.loads(tool(server, "delivery", "info", "--json").stdout)
        assert (info["open"], info["dead"], info["sent"]) == (0, 2, 1)


def tool(server, *words, check=True):
    return subprocess.run(
        [harness.TEAROFFCTL, *(str(word) for word in words), "--server", f"127.0.0.1:{server.port}"],
        capture_output=True, text=True, check=check, timeout=harness.DEADLINE_SECONDS)


def test_recipients_by_tool_and_command(run, tmp_path):
    # Goal: recipients are added, tested, shown and removed; a secret is told once, and stands nowhere else; what is
    # no address is refused. Method: each.
    tls = receivers.certificate(tmp_path / "tls")
    with receivers.Hook() as hook, receivers.MailServer(tls) as mail:
        server = run(*mail_flags(mail, tmp_path, tls))
        supply(server, 5)
        added = json.loads(tool(server, "list", "recipient", "add", "june", "--webhook", hook.url, "--json").stdout)
        secret = added["secret"]
        assert secret.startswith("whsec_")
        tool(server, "list", "recipient", "add", "june", "--email", "ops@example.org")
        tests = json.loads(tool(server, "list", "recipient", "test", "june", "--json").stdout)
        assert [test["delivered"] for test in tests] == [True, True]
        assert [notice["type"] for notice in hook.notices(secret)] == ["list.test"] and len(mail.messages) == 1
        shown = json.loads(tool(server, "list", "recipient", "all", "june", "--json").stdout)
        assert [row["address"] for row in shown] == [hook.url, "ops@example.org"]
        with server.connect() as connection:
            known = b"".join([
                repr(connection.call("LIST", "INFO", "june")).encode(), repr(connection.call("AUDIT", "READ")).encode(),
                repr(connection.call("LIST", "RECIPIENTS", "june")).encode(),
                repr(connection.call("FEED", "READ", 1)).encode(), server.log.encode(), connection.call("INFO")])
            assert secret.encode() not in known and secret.removeprefix("whsec_").encode() not in known
            assert connection.call_map("LIST", "INFO", "june")[b"recipients"] == 2
            for words, word in [
                (["EMAIL", "a@b\r\nRCPT TO:<x@y>"], "SYNTAX"),
                (["EMAIL", "two@example.org,three@example.org"], "SYNTAX"),
                (["EMAIL", "nobody"], "SYNTAX"), (["EMAIL", "a" * 260 + "@example.org"], "SYNTAX"),
                (["WEBHOOK", "file:///etc/passwd"], "SYNTAX"), (["WEBHOOK", "http://user:pass@127.0.0.1/"], "SYNTAX"),
                (["WEBHOOK", "http:///x"], "SYNTAX"), (["WEBHOOK", "http://h/" + "x" * 1100], "SYNTAX"),
                (["WEBHOOK", "http://h/", "SECRET", "whsec_short"], "SYNTAX"), (["WEBHOOK", hook.url], "EXISTS"),
            ]:
                assert connection.error_of("LIST", "RECIPIENT", "june", "ADD", *words) == word, words
            assert connection.error_of("LIST", "RECIPIENT", "june", "REMOVE", "x@example.org") == "NORECIPIENT"
        tool(server, "list", "recipient", "remove", "june", hook.url)
        assert [row["address"] for row in json.loads(
            tool(server, "list", "recipient", "all", "june", "--json").stdout)] == ["ops@example.org"]


def test_a_server_without_mail_says_so(run):
    # Goal: nobody believes that mail is sent. Method: a recipient on a server without --smtp-server.
    server = run("--delivery-attempts", 1)
    supply(server, 1)
    assert b"--smtp-server" in add_mail(server)[b"problem"]
    give(server, ["u1"])
    server.wait_log("delivery.dead")
    assert b"--smtp-server" in deliveries(server)[0][b"problem"]


def test_every_warning_is_sent(run):
    # Goal: percentage, days and forecast arrive with their figures. Method: a list that crosses all of them.
    with receivers.Hook() as hook:
        server = run()
        supply(server, 10)
        secret = add_hook(server, hook)
        tool(server, "list", "set", "june", "--warn-percent", 50, "--warn-hours", 2, "--warn-days", "30,2",
             "--expires", "2099-01-01")
        give(server, [f"u{number}" for number in range(5)])
        # At five codes an hour it will be empty within two hours, too: which of the two is looked at first depends on
        # when the pace was taken.
        told = harness.wait_until(
            lambda: [each for each in hook.notices(secret) if each["type"] == "list.low-percent"], "a percentage")
        assert [each["data"]["percent"] for each in told] == [50]
        info = json.loads(tool(server, "list", "info", "june", "--json").stdout)
        assert (info["warn-percent"], info["warn-hours"], info["warn-days"]) == (50, 2, "30,2")
        with server.connect() as connection:
            for words in [
                ["WARNPERCENT", 100], ["WARNHOURS", 0], ["WARNDAYS", "1,1"], ["WARNDAYS", "1,2,3,4,5,6,7,8,9"],
            ]:
                assert connection.error_of("LIST", "SET", "june", *words) == "SYNTAX", words


def test_wrong_mail_settings_are_refused(tmp_path):
    # Goal: a password is never sent in clear, and what is missing is named. Method: exit codes.
    password = tmp_path / "password"
    password.write_text("secret\n")
    user = ["--smtp-user", "u", "--smtp-password-file", password]
    base = ["--smtp-server", "127.0.0.1:25", "--smtp-sender", "t@example.org"]
    for flags, code in [
        (["--smtp-server", "127.0.0.1:25"], 78), (["--smtp-server", "nowhere"], 64),
        ([*base, "--smtp-security", "none", *user], 78), ([*base, "--smtp-user", "u"], 78),
        ([*base, "--smtp-security", "ssl"], 64), (["--delivery-ca-file", tmp_path / "missing"], 78),
    ]:
        found, text = harness.exit_of(*flags, directory=tmp_path / "data")
        assert found == code and "secret" not in text, (flags, text)
