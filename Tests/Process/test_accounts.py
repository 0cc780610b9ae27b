"""Who may do what: accounts, their roles and limits, what they see of codes, and that no password is anywhere."""

import os
import pty
import re
import subprocess
import termios
from datetime import datetime, timezone

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import harness

ADMIN = ("ada", "correct-horse-ada")
# A debug build on a busy machine would hash for minutes; one test has the real cost.
QUICK = ["--test-password-cost", 4]
ROLES = ["allocate", "operate", "audit", "reveal", "export"]

# One form of each command; what it answers does not matter, but that it is let in.
FORMS = {
    "ALLOC": "summer u1",
    "ALLOCMANY": "summer u1",
    "HOLD": "summer u1 FOR 1m",
    "CONFIRM": "summer u1",
    "RELEASE": "summer u1",
    "PREVIEW": "summer u1",
    "LIST CREATE": "june UNIQUE",
    "LIST LOAD": "june BEGIN",
    "LIST IMPORT": "june",
    "LIST INFO": "june",
    "LIST UPLOADS": "june",
    "LIST UNDO": "june 99",
    "LIST ARCHIVE": "june",
    "LIST RETURN": "june",
    "LIST DELETE": "gone CONFIRM gone",
    "LIST ALL": "",
    "LIST SET": "june WARN 1",
    "LIST RECIPIENT": "june REMOVE a@b",
    "LIST RECIPIENTS": "june",
    "CAMPAIGN CREATE": "summer LIST june",
    "CAMPAIGN SET": "summer RETURNS reuse",
    "CAMPAIGN INFO": "summer",
    "CAMPAIGN ALL": "",
    "CAMPAIGN FINISH": "gone",
    "CAMPAIGN RESUME": "summer",
    "USER HISTORY": "u1",
    "CODE FIND": "C00000001",
    "EXPORT BEGIN": "june",
    "EXPORT READ": "9",
    "EXPORT END": "9",
    "AUDIT READ": "",
    "AUDIT CHECK": "",
    "FEED READ": "1",
    "FEED INFO": "",
    "DELIVERY INFO": "",
    "DELIVERY LIST": "",
    "DELIVERY RETRY": "9",
    "ACCOUNT CREATE": "ada ROLES audit PASSWORD 12345678",
    "ACCOUNT SET": "nobody ROLES audit",
    "ACCOUNT DELETE": "nobody",
    "ACCOUNT LIST": "",
    "ACCOUNT SHOW": "nobody",
    "SNAPSHOT": "",
    "BACKUP": "b",
    "INFO": "",
    "SHUTDOWN": "",
    "CONFIG GET": "save",
    "PING": "",
    "ECHO": "x",
    "HELLO": "",
    "AUTH": " ".join(ADMIN),
    "ACL WHOAMI": "",
    "SELECT": "0",
    "RESET": "",
    "QUIT": "",
    "CLIENT ID": "",
    "CLIENT GETNAME": "",
    "CLIENT SETNAME": "x",
    "CLIENT SETINFO": "LIB-NAME x",
    "CLIENT INFO": "",
    "CLIENT LIST": "",
    "CLIENT NO-EVICT": "ON",
    "CLIENT NO-TOUCH": "ON",
    "COMMAND": "",
    "COMMAND COUNT": "",
    "COMMAND LIST": "",
    "COMMAND INFO": "alloc",
    "COMMAND DOCS": "alloc",
    "COMMAND GETKEYS": "ALLOC c u",
}


def needs():
    """The role of each command, as the manual tells it (and a test of Swift's holds it against the table)."""
    manual = (harness.ROOT / "docs" / "PROTOCOL.md").read_text().split("\n## Commands\n")[1]
    found = {}
    for section in manual.split("\n### ")[1:]:
        role = re.search(r"^Role: (.*)$", section, re.MULTILINE).group(1)
        found[section.split("\n", 1)[0]] = re.findall(r"`(\w+)`", role)
    return found


def login(server, name, password=None):
    connection = server.connect()
    connection.call("AUTH", name, password or f"correct-horse-{name}")
    return connection


def create(admin, name, roles, *words):
    admin.call("ACCOUNT", "CREATE", name, "ROLES", roles, "PASSWORD", f"correct-horse-{name}", *words)


@pytest.fixture
def server(start):
    return start(*QUICK)


@pytest.fixture
def admin(server):
    """An administrator on a server with list june, and campaign summer that has given u1 its first code."""
    harness.make_campaign(server)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    with server.connect() as connection:
        create(connection, "ada", "admin")
    with login(server, *ADMIN) as connection:
        yield connection


def test_the_first_account_closes_the_server(server, start):
    # Goal: open as before without accounts; with one nobody is let in without a password, also who is connected
    # already; a restart changes nothing. Method: two connections that are there before.
    with server.connect() as one, server.connect() as other:
        assert one.call("ACL", "WHOAMI") == b"default"
        assert one.error_of("AUTH", "ada", "whatever") == "ERR"
        assert one.error_of("ACCOUNT", "CREATE", "bob", "ROLES", "audit", "PASSWORD", "12345678") == "INUSE"
        create(one, "ada", "admin")
        for connection in [one, other]:
            assert connection.error_of("LIST", "ALL") == "NOAUTH"
            assert connection.error_of("SHUTDOWN") == "NOAUTH"
            assert connection.error_of("ALLOC", "summer", "u1") == "NOAUTH"
            assert connection.call("PING") == b"PONG"
            assert connection.call("RESET") == b"RESET"
            assert connection.error_of("INFO") == "NOAUTH"
    server.kill()
    # With a cost of its own: the one of the hash counts.
    server = start("--test-password-cost", 5)
    with server.connect() as connection:
        assert connection.error_of("LIST", "ALL") == "NOAUTH"
        assert connection.call("AUTH", *ADMIN) == b"OK"
        assert connection.call("ACL", "WHOAMI") == b"ada"
        # The last account opens the server again.
        assert connection.call("ACCOUNT", "DELETE", "ada") == b"OK"
        assert connection.call("LIST", "ALL") == []
        assert connection.call("ACL", "WHOAMI") == b"default"


def test_each_role_may_send_its_commands_and_no_others(server, admin):
    # Goal: exactly what the manual says. Method: an account with each role alone, and each command.
    wanted = needs()
    assert set(wanted) == set(FORMS)
    for role in ROLES:
        create(admin, role, role)
    accounts = [(role, [role]) for role in ROLES] + [("ada", ROLES + ["admin"])]
    for name, roles in accounts:
        for command, need in wanted.items():
            if command == "SHUTDOWN" and "admin" in roles:
                continue
            with login(server, name) as connection:
                connection.send(*command.split(), *FORMS[command].split())
                reply = connection.read()
            denied = isinstance(reply, harness.ErrorReply) and reply.word == "NOPERM"
            assert denied == (bool(need) and not set(need) & set(roles)), (name, command, reply)
            if denied:
                assert f"'{need[0]}'" in str(reply), reply
    with login(server, "ada") as connection:
        connection.send("SHUTDOWN")
        assert connection.is_closed()
    assert server.wait_exit() == 0


def test_a_change_of_an_account_holds_for_open_connections(server, admin):
    # Goal: roles, password and deletion hold from the next command on. Method: connections that stay open.
    create(admin, "shop", "allocate")
    with login(server, "shop") as one, login(server, "shop") as two:
        assert one.call("ALLOC", "summer", "u2") == b"C00000002"
        admin.call("ACCOUNT", "SET", "shop", "ROLES", "audit")
        assert one.error_of("ALLOC", "summer", "u3") == "NOPERM"
        assert len(two.call("USER", "HISTORY", "u2")) == 1
        admin.call("ACCOUNT", "SET", "shop", "ROLES", "allocate,audit")
        assert one.call("ALLOC", "summer", "u3") == b"C00000003"
        admin.call("ACCOUNT", "SET", "shop", "PASSWORD", "another-horse")
        assert one.error_of("ALLOC", "summer", "u4") == "NOAUTH"
        assert one.error_of("AUTH", "shop", "correct-horse-shop") == "WRONGPASS"
        assert one.call("AUTH", "shop", "another-horse") == b"OK"
        admin.call("ACCOUNT", "DELETE", "shop")
        assert one.error_of("ALLOC", "summer", "u4") == "NOAUTH"
        assert two.error_of("PING", "x", "y", "z") == "SYNTAX"
        assert two.error_of("USER", "HISTORY", "u2") == "NOAUTH"
        assert one.error_of("AUTH", "shop", "another-horse") == "WRONGPASS"
    assert harness.as_map(admin.call("LIST", "INFO", "june"))[b"given"] == 3


def test_another_account_does_not_go_on_with_an_upload(server, admin):
    # Goal: what one account began is not the next one's. Method: AUTH on the same connection, RESET, and a change of
    # roles.
    create(admin, "one", "operate")
    create(admin, "two", "operate")
    with login(server, "one") as connection:
        upload = connection.call("LIST", "LOAD", "june", "BEGIN")
        connection.call("AUTH", "one", "correct-horse-one")
        assert connection.call("LIST", "LOAD", "june", "CHUNK", upload, "A\n") == 2
        connection.call("AUTH", "two", "correct-horse-two")
        assert connection.error_of("LIST", "LOAD", "june", "CHUNK", upload, "B\n") == "NOUPLOAD"


def test_codes_are_masked_for_who_may_only_look(server, admin):
    # Goal: codes whole with reveal only, and where they are given. Method: each way to look, with and without it.
    create(admin, "blind", "audit,allocate")
    create(admin, "seeing", "audit,allocate,reveal")
    for name, first, second in [("blind", b"C0*****01", b"C0*****02"), ("seeing", b"C00000001", b"C00000002")]:
        with login(server, name) as connection:
            assert harness.as_map(connection.call("USER", "HISTORY", "u1")[0])[b"code"] == first
            preview = connection.call_map("PREVIEW", "summer", "u1")
            assert (preview[b"code"], preview[b"next-code"]) == (first, second)
            place = harness.as_map(connection.call("CODE", "FIND", "C00000001")[0])
            assert place[b"user"] == b"u1" and b"code" not in place
            # Of a file with one code it would be the code, for who can count.
            upload = harness.as_map(connection.call("LIST", "UPLOADS", "june")[0])
            assert (upload[b"hash"] is None) == (name == "blind")
            events = []
            while not events:
                page = connection.call_map("FEED", "READ", 1, "BLOCK", 20_000)
                events = [event for event in map(harness.as_map, page[b"events"]) if b"code" in event]
            assert events[0][b"code"] == first
            assert connection.call("ALLOC", "summer", "u1") == b"C00000001"
            assert connection.call_map("ALLOC", "summer", "u1", "FULL")[b"code"] == b"C00000001"
            assert connection.call("ALLOCMANY", "summer", "u1")[0][0] == b"C00000001"
            assert connection.error_of("EXPORT", "BEGIN", "june") == "NOPERM"
    assert "C00000001" not in server.log


def test_masked_codes_are_not_found_by_guessing(server, admin):
    # Goal: without reveal nobody tries all codes that a masked one may be. Method: more look-ups than two minutes have
    # room for, should one end meanwhile; with reveal there is no such bound.
    create(admin, "blind", "audit")
    create(admin, "seeing", "audit,reveal")
    with login(server, "blind") as connection:
        refused = 0
        for number in range(130):
            connection.send("CODE", "FIND", f"C0{number:05d}01")
            reply = connection.read()
            refused += isinstance(reply, harness.ErrorReply) and reply.word == "LIMIT"
        assert 10 <= refused <= 70
    with login(server, "seeing") as connection:
        for number in range(130):
            connection.call("CODE", "FIND", f"C0{number:05d}01")


def test_archived_codes_are_masked_too(server, admin):
    # Goal: the way over the archive masks as the others do. Method: an expired list, archived; look at its user.
    create(admin, "blind", "audit")
    admin.call("LIST", "SET", "june", "EXPIRES", soon(admin))
    harness.wait_until(lambda: archived(admin), "the list is archived")
    with login(server, "blind") as connection:
        assert harness.as_map(connection.call("USER", "HISTORY", "u1")[0])[b"code"] == b"C0*****01"
    assert harness.as_map(admin.call("USER", "HISTORY", "u1")[0])[b"code"] == b"C00000001"


def soon(connection):
    """Two seconds from now, by the server's clock."""
    text = connection.call("INFO", "server").decode()
    seconds = int(re.search(r"server_time_usec:(\d+)", text).group(1)) // 1_000_000 + 2
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def archived(connection):
    connection.send("LIST", "ARCHIVE", "june")
    return connection.read() == b"OK"


def test_limits_hold_for_giving_operating_and_looking(server, admin):
    # Goal: an account reaches its own lists and campaigns and sees no others. Method: a second pair beside june and
    # summer.
    second_pair(admin, "winter", "december", "W")
    admin.call("ALLOC", "winter", "u1")
    create(admin, "bob", "allocate,operate,audit,export,reveal", "LISTS", "june,crm-*", "CAMPAIGNS", "sum*")
    with login(server, "bob") as bob:
        assert bob.call("ALLOC", "summer", "u1") == b"C00000001"
        for words in [
            ["ALLOC", "winter", "u1"],
            ["ALLOC", "winter", "u1", "FULL"],
            ["ALLOC", "winter", "u1", "KEY", "k"],
            ["ALLOCMANY", "winter", "u1"],
            ["HOLD", "winter", "u1", "FOR", "1m"],
            ["CONFIRM", "winter", "u1"],
            ["RELEASE", "winter", "u1"],
            ["PREVIEW", "winter"],
            ["PREVIEW", "nosuch"],
            ["LIST", "INFO", "december"],
            ["LIST", "CREATE", "january", "UNIQUE"],
            ["LIST", "SET", "june", "NAME", "mine"],
            ["LIST", "LOAD", "december", "BEGIN"],
            ["LIST", "IMPORT", "june"],
            ["LIST", "UNDO", "december", 1],
            ["LIST", "DELETE", "december", "CONFIRM", "december"],
            ["CAMPAIGN", "INFO", "winter"],
            ["CAMPAIGN", "CREATE", "sum2", "LIST", "december"],
            ["CAMPAIGN", "SET", "summer", "OVERFLOW", "december"],
            ["CAMPAIGN", "CREATE", "autumn", "LIST", "june"],
            ["EXPORT", "BEGIN", "december"],
            ["EXPORT", "BEGIN", "june"],
            ["EXPORT", "BEGIN", "june", "CAMPAIGN", "winter"],
            ["DELIVERY", "RETRY", "ALL"],
        ]:
            assert bob.error_of(*words) == "NOPERM", words
        assert bob.error_of("ALLOC", "sumnosuch", "u1") == "NOCAMPAIGN"
        assert [harness.as_map(found)[b"name"] for found in bob.call("LIST", "ALL")] == [b"june"]
        assert [harness.as_map(found)[b"name"] for found in bob.call("CAMPAIGN", "ALL")] == [b"summer"]
        assert [harness.as_map(found)[b"campaign"] for found in bob.call("USER", "HISTORY", "u1")] == [b"summer"]
        assert harness.as_map(bob.call("CODE", "FIND", "W00000001")[0]) == {b"state": b"unknown"}
        assert harness.as_map(bob.call("CODE", "FIND", "C00000001")[0])[b"user"] == b"u1"
        objects = {harness.as_map(act)[b"object"] for act in bob.call("AUDIT", "READ", "FROM", 1)}
        assert objects <= {b"june", b"summer", None} and b"june" in objects
        told = feed_names(bob)
        assert told == {b"june", b"summer"}, told
        assert bob.call("LIST", "CREATE", "crm-1", "UNIQUE") == b"OK"
        assert bob.call("LIST", "DELETE", "crm-1", "CONFIRM", "crm-1") == b"OK"
        assert b"export" in bob.call_map("EXPORT", "BEGIN", "june", "CAMPAIGN", "summer")
        assert b"export" in bob.call_map("EXPORT", "BEGIN", "june", "FREE")
        # In one write, so that they would be of one burst.
        bob.send_bytes(
            b"".join(harness.encode("ALLOC", name, "u9") for name in ["summer", "winter", "summer", "winter"])
        )
        words = [
            reply.word if isinstance(reply, harness.ErrorReply) else reply for reply in (bob.read() for _ in range(4))
        ]
        assert words == [b"C00000002", "NOPERM", b"C00000002", "NOPERM"]
        # The next account on this connection is not let in by what the last one asked for.
        create(admin, "eve", "allocate", "CAMPAIGNS", "winter")
        bob.call("AUTH", "eve", "correct-horse-eve")
        assert bob.error_of("ALLOC", "summer", "u9") == "NOPERM"
        assert bob.call("ALLOC", "winter", "u9") == b"W00000002"
        admin.call("ACCOUNT", "SET", "eve", "CAMPAIGNS", "summer")
        assert bob.error_of("ALLOC", "winter", "u9") == "NOPERM"


def test_codes_that_overflow_to_others_are_not_shown(server, admin):
    # Goal: an account that is limited to a list sees nothing of campaigns that only overflow to it. Method: one that
    # does; what the account exports, reads of the audit trail, and may import.
    second_pair(admin, "winter", "december", "W")
    admin.call("CAMPAIGN", "SET", "winter", "OVERFLOW", "june")
    codes = [admin.call("ALLOC", "winter", f"w{number}") for number in range(11)]
    assert codes[-1] == b"C00000002"
    create(admin, "bob", "operate,audit,export,reveal", "LISTS", "june")
    with login(server, "bob") as bob:
        ticket = bob.call_map("EXPORT", "BEGIN", "june", "GIVEN")
        text = bob.call("EXPORT", "READ", ticket[b"export"])
        assert b"u1" in text and b"w10" not in text, text
        objects = {harness.as_map(act)[b"object"] for act in bob.call("AUDIT", "READ", "FROM", 1)}
        assert {b"june", b"summer"} <= objects and b"winter" not in objects
        assert bob.error_of("LIST", "IMPORT", "june") == "NOPERM"
        admin.call("CAMPAIGN", "SET", "winter", "OVERFLOW", "NONE")
        assert bob.call("LIST", "IMPORT", "june") > 0


def second_pair(admin, campaign, name, prefix):
    admin.call("LIST", "CREATE", name, "UNIQUE")
    harness.get_upload(admin, name, harness.codes(10, prefix))
    admin.call("CAMPAIGN", "CREATE", campaign, "LIST", name)


def feed_names(connection):
    """All lists and campaigns that the feed names, once it has told the last thing that was done."""
    names = set()
    position = 1
    while True:
        page = connection.call_map("FEED", "READ", position, "BLOCK", 1_000)
        for event in map(harness.as_map, page[b"events"]):
            names |= {event[key] for key in [b"list", b"campaign"] if event.get(key)}
        if page[b"next"] == position:
            return names
        position = page[b"next"]


def test_the_audit_trail_names_the_account(server, admin):
    # Goal: who did what is told by account. Method: a list by one of two.
    create(admin, "bob", "operate")
    with login(server, "bob") as bob:
        bob.call("LIST", "CREATE", "bobs", "UNIQUE")
    acts = [harness.as_map(act) for act in admin.call("AUDIT", "READ", "FROM", 1)]
    by = {(act[b"act"], act[b"object"]): act[b"user"] for act in acts}
    assert by[(b"LIST CREATE", b"june")] == b"default"
    assert by[(b"ACCOUNT CREATE", b"bob")] == b"ada"
    assert by[(b"LIST CREATE", b"bobs")] == b"bob"


def test_no_password_is_anywhere(server, admin, start):
    # Goal: neither log nor INFO nor audit nor a file of the directory has a password, the server's output after a
    # wrong one included. Method: set, change, log in, fail; then search it all.
    secrets = [b"S3CRET-first-one", b"S3CRET-second-one", b"S3CRET-wrong-one", b"correct-horse-ada"]
    admin.call("ACCOUNT", "CREATE", "bob", "ROLES", "audit", "PASSWORD", secrets[0])
    admin.call("ACCOUNT", "SET", "bob", "PASSWORD", secrets[1])
    with server.connect() as connection:
        assert connection.error_of("AUTH", "bob", secrets[2]) == "WRONGPASS"
        assert connection.error_of("AUTH", secrets[2]) == "WRONGPASS"
        assert connection.error_of("AUTH", "", secrets[2]) == "SYNTAX"
        connection.call("HELLO", 3, "AUTH", "bob", secrets[1])
    admin.call("SNAPSHOT")
    shown = [admin.call("INFO"), repr(admin.call("AUDIT", "READ", "FROM", 1)).encode(), admin.call("CLIENT", "LIST")]
    shown.append(repr(admin.call("ACCOUNT", "LIST")).encode())
    server.stop()
    shown.append(server.log.encode())
    code, out, words = harness.offline_tool("wal", "dump", "--data", server.directory)
    assert code == 0 and "account-set" in out and "(present)" in out
    shown += [out.encode(), words.encode()]
    files = [path.read_bytes() for path in server.directory.rglob("*") if path.is_file()]
    assert len(files) > 5
    for secret in secrets:
        assert not any(secret in text for text in shown + files), secret
    assert harness.offline_tool("verify", "--data", server.directory)[0] == 0
    server = start(*QUICK)
    with login(server, "bob", secrets[1].decode()) as connection:
        assert connection.call("ACL", "WHOAMI") == b"bob"


def test_the_usual_cost_is_that_of_the_manual(start):
    # Goal: without the tests' flag a hash is as hard as docs/PROTOCOL.md says. Method: make an account, read the log.
    server = start()
    with server.connect() as connection:
        connection.socket.settimeout(600)
        create(connection, "ada", "admin")
    server.stop()
    code, out, _ = harness.offline_tool("wal", "dump", "--data", server.directory)
    assert code == 0 and "2^15,8,3" in out


def test_passwords_are_hashed_behind_the_loops(start):
    # Goal: strangers who have passwords hashed do not take the loops' cores. Method: one at the usual cost; each thread
    # that has worked for so long has a lower priority than the loops.
    server = start()
    with server.connect() as connection:
        connection.socket.settimeout(600)
        create(connection, "ada", "admin")
    busy = [
        thread for thread in server.threads() if thread.name.startswith("TP-") and thread.processor_seconds >= 0.02]
    assert busy and {thread.niceness for thread in busy} == {min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)}


def test_failures_are_held_back_and_bounded(server, admin):
    # Goal: a failure is answered late, others on the same loop are not; too many open attempts of an address that
    # fails are BUSY, also with the right password; the log tells of it with neither. Method: more connections than
    # may be open.
    names = ["nobody", "ada"]
    with harness.closing([server.connect() for _ in range(40)]) as connections:
        assert connections[0].error_of("AUTH", "ada", "wrong") == "WRONGPASS"
        for number, connection in enumerate(connections):
            connection.send("AUTH", names[number % 2], "wrong")
        assert admin.call("PING") == b"PONG"
        words = [connection.read().word for connection in connections]
    assert set(words) == {"WRONGPASS", "BUSY"} and words.count("WRONGPASS") >= 16
    failed = int(re.search(r"logins_failed:(\d+)", admin.call("INFO", "clients").decode()).group(1))
    assert failed == words.count("WRONGPASS") + 1
    assert "failures=1" in server.wait_log("login.failed")
    assert "nobody" not in server.log


def test_a_wrong_password_may_be_anything(server, admin):
    # Goal: no password crashes the server or gets in. Method: empty, with zeros, as long as may be; on a connection
    # each, since failures are held back.
    with harness.closing([server.connect() for _ in range(6)]) as connections:
        passwords = [b"", b"\0", b"correct-horse-ada\0", b"x" * 16_000, b"\xff" * 100, b"correct-horse-ad"]
        for connection, password in zip(connections, passwords):
            connection.send("AUTH", "ada", password)
        assert [connection.read().word for connection in connections] == ["WRONGPASS"] * 6
    assert admin.call("PING") == b"PONG"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"*11\r\n", id="eleven-arguments"),
        pytest.param(b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", id="a-long-argument"),
        pytest.param(b"*3\r\n$4\r\nAUTH\r\n$9000\r\n" + b"x" * 9_000 + b"\r\n$9000\r\n", id="a-long-command"),
        pytest.param(b"AUTH " + b"x" * 17_000, id="a-long-line"),
    ],
)
def test_before_logging_in_a_command_is_short(server, admin, request_bytes):
    # Goal: 10 arguments and 16 KiB, then PROTOCOL and the end; afterwards the usual bounds. Method: one more than
    # that.
    with server.connect() as connection:
        connection.send_bytes(request_bytes)
        reply = connection.read()
        assert isinstance(reply, harness.ErrorReply) and reply.word == "PROTOCOL", reply
        assert connection.is_closed()
    with server.connect() as connection:
        connection.send_bytes(harness.encode("AUTH", *ADMIN) + harness.encode("ECHO", "x" * 60_000))
        assert connection.read() == b"OK"
        assert len(connection.read()) == 60_000
        connection.call("RESET")
        connection.send_bytes(request_bytes)
        assert connection.read().word == "PROTOCOL"


def test_redis_py_logs_in(server, admin):
    # Goal: username and password as redis-py sends them, with both versions. Method: AUTH, HELLO 3 AUTH, and an URL.
    create(admin, "bob", "audit")
    for protocol in [2, 3]:
        with redis.Redis(
            port=server.port, username="bob", password="correct-horse-bob", protocol=protocol, decode_responses=True
        ) as client:
            assert client.ping() and client.acl_whoami() == "bob"
            assert client.client_info()["user"] == "bob"
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command("ALLOC", "summer", "u1")
    with redis.Redis.from_url(f"redis://bob:correct-horse-bob@127.0.0.1:{server.port}") as client:
        assert client.execute_command("CODE", "FIND", "none")
    once = Retry(NoBackoff(), 0)  # By itself it tries a wrong password again, for half a minute.
    with redis.Redis(port=server.port, username="bob", password="wrong", retry=once) as client:
        with pytest.raises(redis.exceptions.AuthenticationError):
            client.ping()


def test_redis_cli_logs_in(server, admin):
    # Goal: redis-cli with --user and its environment variable. Method: the answer of WHOAMI; without, NOAUTH.
    create(admin, "bob", "audit")
    words = ["redis-cli", "-p", str(server.port), "--user", "bob", "ACL", "WHOAMI"]
    environment = {**os.environ, "REDISCLI_AUTH": "correct-horse-bob"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS)
    assert done.stdout.strip().strip('"') == "bob", done
    words = ["redis-cli", "-p", str(server.port), "LIST", "ALL"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS)
    assert "NOAUTH" in done.stdout + done.stderr


def test_the_servers_own_password_is_default(start, tmp_path):
    # Goal: --password-file is the account default with all roles, beside accounts, and it may make one without admin.
    secret = tmp_path / "password"
    secret.write_text("opensesame\n")
    server = start("--password-file", secret, *QUICK)
    with server.connect() as connection:
        assert connection.error_of("ACCOUNT", "LIST") == "NOAUTH"
        assert connection.call("AUTH", "opensesame") == b"OK"
        create(connection, "bob", "audit")
        assert connection.call("ACL", "WHOAMI") == b"default"
        assert (
            connection.error_of("ACCOUNT", "CREATE", "default", "ROLES", "audit", "PASSWORD", "12345678") == "EXISTS"
        )
    with login(server, "default", "opensesame") as connection:
        assert len(connection.call("ACCOUNT", "LIST")) == 1
    with login(server, "bob") as connection:
        assert connection.error_of("ACCOUNT", "LIST") == "NOPERM"


def test_tearoffctl_looks_after_accounts(server, tmp_path):
    # Goal: accounts by the tool, passwords by file and environment, and asked for at a terminal without an echo.
    # Method: one of each, and all() as JSON.
    def tool(*words, **environment):
        return subprocess.run(
            [str(harness.TEAROFFCTL), *words, "--server", f"127.0.0.1:{server.port}"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=harness.DEADLINE_SECONDS,
            env={**os.environ, **environment},
        )

    secret = tmp_path / "password"
    secret.write_text("correct-horse-ada\n")
    done = tool("account", "create", "ada", "--roles", "admin", "--new-password-file", str(secret))
    assert done.returncode == 0, done.stderr
    assert tool("account", "all").returncode == 1
    as_ada = {"TEAROFF_ACCOUNT": "ada", "TEAROFF_PASSWORD": "correct-horse-ada"}
    done = tool(
        "account",
        "create",
        "shop",
        "--roles",
        "allocate",
        "--campaigns",
        "sum*",
        TEAROFF_NEW_PASSWORD="12345678",
        **as_ada,
    )
    assert done.returncode == 0, done.stderr
    done = tool("account", "show", "shop", "--account", "ada", "--password-file", str(secret))
    assert "sum*" in done.stdout and "12345678" not in done.stdout + done.stderr
    assert tool("account", "set", "shop", "--campaigns", "*", **as_ada).returncode == 0
    assert '"campaigns" : "*"' in tool("account", "show", "shop", "--json", **as_ada).stdout
    assert tool("account", "delete", "shop", **as_ada).returncode == 64
    assert tool("account", "delete", "shop", "--yes", **as_ada).returncode == 0
    assert tool("account", "show", "shop", **as_ada).returncode == 1
    assert tool("account", "all", "--account", "ada").returncode == 64, "there is nobody to ask"
    shown = asked_for(server, "account", "all", "--account", "ada", answer="correct-horse-ada")
    assert "admin" in shown and "correct-horse" not in shown


def test_ctrl_c_at_a_password_leaves_the_terminal_as_it_was(server):
    # Goal: who thinks better of it sees again what is typed. Method: half a password and Ctrl-C.
    leader, follower = pty.openpty()
    before = termios.tcgetattr(follower)
    process = subprocess.Popen(
        [str(harness.TEAROFFCTL), "account", "all", "--account", "ada", "--server", f"127.0.0.1:{server.port}"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    shown = b""
    while b": " not in shown:
        shown += harness.read_terminal(leader)
    assert not termios.tcgetattr(follower)[3] & termios.ECHO
    os.write(leader, b"half\x03")
    assert process.wait(harness.DEADLINE_SECONDS) == 130
    assert termios.tcgetattr(follower) == before
    os.close(follower)
    os.close(leader)


def asked_for(server, *words, answer):
    """What a terminal shows while the tool asks for a password, and behind it."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [str(harness.TEAROFFCTL), *words, "--server", f"127.0.0.1:{server.port}"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while b": " not in shown:
        shown += harness.read_terminal(leader)
    os.write(leader, answer.encode() + b"\n")
    while piece := harness.read_terminal(leader):
        shown += piece
    assert process.wait(harness.DEADLINE_SECONDS) == 0, shown
    os.close(leader)
    return shown.decode()
