"""Another file in place of all others, and another fixed code, on a real server under load: no code twice by its
text, refused for a moment only, and the same after a kill."""

import json
import threading

import harness
from harness import ErrorReply, get_upload
from test_edits import tool


class Users:
    """Clients that ask for codes without a pause, a few commands at once, as long as they are allowed to have
    more."""

    def __init__(self, server, campaign="summer", clients=3):
        self.replies = [[] for _ in range(clients)]
        self.failures = []
        self._news = threading.Condition()
        self._allowed = 0
        self._over = False
        self._threads = [
            threading.Thread(target=self._ask, args=(server.port, campaign, number)) for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, port, campaign, number):
        try:
            with harness.Connection(port) as connection:
                asked = 0
                while self._may_ask():
                    users = [f"client-{number}-{user}" for user in range(asked, asked + 16)]
                    self.replies[number] += harness.allocate_all(connection, campaign, users)
                    asked += len(users)
        except Exception as error:  # told by the test's own thread
            self.failures.append(error)

    def _may_ask(self):
        with self._news:
            self._news.wait_for(lambda: self._over or len(self.codes()) < self._allowed, harness.DEADLINE_SECONDS)
            return not self._over

    def allow(self, count):
        """Lets them have so many codes more, and some commands' worth beyond, so that no machine empties a list."""
        with self._news:
            self._allowed = len(self.codes()) + count
            self._news.notify_all()

    def have(self, count):
        """Lets them have so many codes more, and waits until they do."""
        self.allow(count)
        harness.wait_until(lambda: self.failures or len(self.codes()) >= self._allowed, f"{count} codes more")

    def codes(self):
        return [reply for replies in self.replies for reply in list(replies) if isinstance(reply, bytes)]

    def stop(self):
        with self._news:
            self._over = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join(harness.DEADLINE_SECONDS)
        assert not self.failures, self.failures
        refused = {
            reply.word for replies in self.replies for reply in replies if isinstance(reply, ErrorReply)
        }
        assert refused <= {"BUSY"}, refused
        return self.codes()


def lines(numbers, prefix="C"):
    return b"".join(b"%s%08d\n" % (prefix.encode(), number) for number in numbers)


def test_a_file_replaces_the_others_under_load(start):
    # Goal: while clients are given codes without a pause, each code has one user, by its text; when it is over, what
    # is free is the last file's. Method: two replacements by files that overlap with what is being given just then, a
    # kill, and the rest drained; a ledger of the test's own.
    server = start()
    harness.make_campaign(server, count=60_000, rule="once")
    users = Users(server)
    with server.connect() as connection:
        users.have(500)
        users.allow(5_000)
        first = get_upload(connection, "june", lines(range(1, 50_001)), "REPLACE")
        users.have(500)
        users.allow(5_000)
        second = get_upload(connection, "june", lines(range(40_000, 0, -1)) + lines(range(1, 101), "N"), "REPLACE")
        users.have(500)
    given = users.stop()
    assert first[b"status"] == b"loaded" and first[b"codes"] + first[b"duplicate-in-list"] == 50_000
    assert second[b"status"] == b"loaded" and second[b"codes"] + second[b"duplicate-in-list"] == 40_100
    assert first[b"duplicate-in-list"] >= 500 and first[b"withdrawn"] >= 10_000
    for life in range(2):
        ledger = harness.ledger(server)
        assert ledger["given"] == len(given) and ledger["held"] == ledger["burned"] == 0
        if life == 0:
            server.kill()
            server = start()
    with server.connect() as connection:
        rest = harness.allocate_all(connection, "summer", [f"late-{user}" for user in range(ledger["free"])])
    assert all(isinstance(reply, bytes) for reply in rest)
    everything = given + rest
    assert len(set(everything)) == len(everything)
    assert set(lines(range(1, 40_001)).split()) <= set(everything)
    harness.wait_until(
        lambda: harness.as_map(server.call("CAMPAIGN", "INFO", "summer"))[b"reason"] == b"exhausted", "it is empty"
    )


def test_the_tool_replaces_a_file(server, tmp_path):
    # Goal: --replace tells what went; a given code stays, and its line is left out, not bad. Method: one given of
    # three, a dry run, then for good.
    harness.make_campaign(server, count=3)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    better = tmp_path / "better.txt"
    better.write_bytes(b"C00000001\nC00000003\nX\n")
    for flags in [["--dry-run"], []]:
        done = tool(server, "list", "load", "june", better, "--replace", "--json", *flags)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["codes"], told["duplicate-in-list"], told["withdrawn"]) == (2, 1, 2)
        assert ("Would leave out" if flags else "Left out") + " 1 line: duplicate-in-list 1" in done.stderr
    done = tool(server, "list", "load", "june", better, "--replace")
    assert done.returncode == 0 and "has this very file already" in done.stderr
    assert [server.call("ALLOC", "summer", user) for user in ("u1", "u2", "u3")] == [b"C00000001", b"C00000003", b"X"]
    ledger = harness.ledger(server)
    assert (ledger["given"], ledger["withdrawn"], ledger["free"]) == (3, 2, 0)


def test_a_fixed_code_changes_under_load(start):
    # Goal: the code goes out as often as the latest limit says, over all values that it had, whoever asks meanwhile.
    # Method: clients ask; code and limit change; then the rest is asked for; a kill before and behind that.
    server = start()
    server.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 50_000)
    server.call("CAMPAIGN", "CREATE", "ten", "LIST", "ten-off", "RETRIGGER", "once")
    users = Users(server, "ten")
    users.have(200)
    users.allow(5_000)
    assert server.call("LIST", "SET", "ten-off", "CODE", "SAVE20") == b"OK"
    users.have(200)
    users.allow(5_000)
    assert server.call("LIST", "SET", "ten-off", "LIMIT", 40_000) == b"OK"
    users.have(200)
    given = users.stop()
    assert set(given) == {b"SAVE10", b"SAVE20"}
    assert harness.ledger(server, "ten-off")["given"] == len(given)
    limit = len(given) + 100
    done = tool(server, "list", "set", "ten-off", "--limit", limit, "--code", "SAVE30")
    assert done.returncode == 0, done.stderr
    server.kill()
    server = start()
    with server.connect() as connection:
        late = harness.allocate_all(connection, "ten", [f"late-{user}" for user in range(150)])
        assert late[:100] == [b"SAVE30"] * 100 and {reply.word for reply in late[100:]} == {"EXHAUSTED"}
        assert connection.call("ALLOC", "ten", "client-0-0") == b"SAVE10"
        uploads = [harness.as_map(row) for row in connection.call("LIST", "UPLOADS", "ten-off")]
        assert [row[b"withdrawn-at"] is None for row in uploads] == [False, False, False, True]
        assert sum(row[b"given"] for row in uploads) == limit and uploads[-1][b"given"] == 100
        states = [harness.as_map(row)[b"state"] for row in connection.call("CODE", "FIND", "SAVE10")]
        assert states == [b"given"]
    done = tool(server, "list", "set", "ten-off", "--limit", limit - 1)
    assert done.returncode == 1 and f"{limit} of list 'ten-off' are taken already" in done.stderr
    assert tool(server, "list", "set", "ten-off", "--limit", limit + 1).returncode == 0
    with server.connect() as connection:
        connection.call("CAMPAIGN", "RESUME", "ten")
        assert connection.call("ALLOC", "ten", "one-more") == b"SAVE30"
    assert harness.ledger(server, "ten-off")["given"] == limit + 1


def test_names_and_kinds_are_checked(server):
    # Goal: the errors of the manual, and no code in any of them. Method: one of each.
    harness.make_campaign(server, count=1)
    server.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 5)
    with server.connect() as connection:
        for words in [
            ("june", "CODE", "S3CRET"),
            ("ten-off", "CODE", "S3,CRET"),
            ("ten-off", "CODE", "S3 CRET"),
            ("ten-off", "S3CRET", "CODE"),
            ("ten-off", "CODE", "S3CRET", "LIMIT"),
            ("ten-off", "LIMIT", 1_000_000_001),
            ("ten-off", "LIMIT", 0),
        ]:
            connection.send("LIST", "SET", *words)
            reply = connection.read()
            assert isinstance(reply, ErrorReply) and reply.word == "SYNTAX", words
            assert "CRET" not in str(reply)
        assert connection.error_of("LIST", "SET", "nosuch", "LIMIT", 1) == "NOLIST"
        assert connection.call("LIST", "SET", "ten-off", "LIMIT", 5) == b"OK"
        assert connection.call("ALLOC", "summer", "u") == b"C00000001"
