"""Idempotency keys over the socket: replays, what is refused, kills with requests under way."""

import concurrent.futures
import subprocess

import pytest
import redis

import harness


def make(server, **settings):
    """Campaign `always` gives another code at every request."""
    harness.make_campaign(server, **settings)
    server.call("CAMPAIGN", "CREATE", "always", "LIST", "june", "RETRIGGER", "always")


def fields(reply):
    """A map as redis-py gives it: a dictionary with RESP3, a flat list with RESP2."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


@pytest.mark.parametrize("version", [2, 3])
def test_a_replay_says_so(server, version):
    # Goal: the reply of the manual, in both versions. Method: redis-py, with and without FULL.
    make(server)
    with redis.Redis(port=server.port, protocol=version, decode_responses=True) as client:
        first = fields(client.execute_command("ALLOC", "always", "u1", "KEY", "k", "FULL"))
        again = fields(client.execute_command("ALLOC", "always", "u1", "FULL", "KEY", "k"))
        assert (first["code"], first["status"]) == ("C00000001", "new")
        assert (bool(first.pop("replayed")), bool(again.pop("replayed"))) == (False, True)
        assert first == again
        assert client.execute_command("ALLOC", "always", "u1", "KEY", "k") == "C00000001"
        assert "replayed" not in fields(client.execute_command("ALLOC", "always", "u1", "FULL"))
        held = fields(client.execute_command("HOLD", "always", "u2", "FOR", "1h", "KEY", "h", "FULL"))
        assert client.execute_command("RELEASE", "always", "u2") == "OK"
        again = fields(client.execute_command("HOLD", "always", "u2", "FOR", "1h", "KEY", "h", "FULL"))
        assert again["hold-until"] == held["hold-until"] and again["code"] == held["code"]
    assert harness.ledger(server)["given"] == 2
    info = server.info()
    assert (info["allocations_replayed"], info["keys_in_memory"]) == (3, 2)


@pytest.mark.parametrize(
    "words",
    [
        ["ALLOC", "always", "u2", "KEY", "k", "USERID", "m"],
        ["ALLOC", "summer", "u1", "KEY", "k", "USERID", "m"],
        ["ALLOC", "always", "u1", "KEY", "k", "USERID", "n"],
        ["ALLOC", "always", "u1", "KEY", "k"],
        ["HOLD", "always", "u1", "FOR", "1h", "KEY", "k", "USERID", "m"],
    ],
)
def test_other_arguments_are_refused(server, words):
    # Goal: KEYREUSE, and nothing is done. Method: each argument, from redis-cli; the ledger; the key still serves.
    make(server)
    with server.connect() as connection:
        assert connection.call("ALLOC", "always", "u1", "USERID", "m", "KEY", "k") == b"C00000001"
        done = subprocess.run(
            ["redis-cli", "-p", str(server.port), *words], capture_output=True, timeout=harness.DEADLINE_SECONDS)
        assert done.stdout.startswith(b"KEYREUSE ")
        assert harness.ledger(server)["given"] == 1
        assert connection.call("ALLOC", "always", "u1", "USERID", "m", "KEY", "k") == b"C00000001"


def test_keys_are_of_any_bytes_and_bounded(server):
    # Goal: 1 to 255 bytes, and a refusal uses none up. Method: both ends, one more, none; an unknown campaign.
    make(server)
    with server.connect() as connection:
        assert connection.error_of("ALLOC", "nowhere", "u1", "KEY", "k") == "NOCAMPAIGN"
        assert connection.call("ALLOC", "always", "u2", "KEY", "k") == b"C00000001"
        key = bytes(range(255))
        assert connection.call("ALLOC", "always", "u1", "KEY", key) == b"C00000002"
        assert connection.call("ALLOC", "always", "u1", "KEY", key) == b"C00000002"
        for wrong in [["KEY", b"x" * 256], ["KEY", ""], ["KEY"], ["KEY", "a", "KEY", "a"]]:
            assert connection.error_of("ALLOC", "always", "u1", *wrong) == "SYNTAX"
    assert harness.ledger(server)["given"] == 2


def test_a_campaign_that_is_tried_out_keeps_no_key(server):
    # Goal: what the manual says of it. Method: a key there, then with another user where codes are given.
    make(server)
    server.call("CAMPAIGN", "CREATE", "trial", "LIST", "june", "TEST", "SAMPLE")
    with server.connect() as connection:
        reply = connection.call_map("ALLOC", "trial", "u1", "KEY", "k", "FULL")
        assert (reply[b"status"], reply[b"code"], bool(reply[b"replayed"])) == (b"test", b"SAMPLE", False)
        assert connection.call("ALLOC", "always", "u2", "KEY", "k") == b"C00000001"


def test_keys_among_plain_commands_keep_the_order(server):
    # Goal: one connection's replies are in order, whether in a burst or alone. Method: a pipeline of both.
    make(server, count=1_000)
    commands = []
    for number in range(300):
        words = ["ALLOC", "always", f"u{number % 7}"] + (["KEY", f"k{number}"] if number % 3 == 0 else [])
        commands.append(harness.encode(*words))
    with server.connect() as connection:
        connection.send_bytes(b"".join(commands))
        assert [connection.read() for _ in commands] == [b"C%08d" % number for number in range(1, 301)]


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_retry_behind_a_kill_gives_no_second_code(start, snapshot):
    # Goal: a client that lost its replies asks again and everybody has one code. Method: requests under way on
    # several connections and two loops when the server is killed, some time after a snapshot or without one; all of
    # them again, twice; then the ledger.
    count = 2_000
    server = start("--threads", "2")
    make(server, count=20_000)
    acknowledged = {}

    def ask(part):
        with server.connect() as connection:
            for number in range(part, count, 4):
                try:
                    code = connection.call("ALLOC", "always", f"u{number % 50}", "KEY", f"key-{number}")
                except (harness.Closed, OSError):
                    return
                acknowledged[number] = code
                if snapshot and part == 0 and number == count // 10:
                    server.call("SNAPSHOT")
                if number > count // 2 and part == 0:
                    server.process.kill()

    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, part) for part in range(4)]
        for one in asked:
            one.result()
    server.kill()
    assert 100 < len(acknowledged) < count
    server = start("--threads", "2")
    told = []
    for _ in range(2):
        with server.connect() as connection:
            for number in range(count):
                connection.send("ALLOC", "always", f"u{number % 50}", "KEY", f"key-{number}")
            told.append([connection.read() for _ in range(count)])
    assert told[0] == told[1] and len(set(told[0])) == count
    assert all(told[0][number] == code for number, code in acknowledged.items())
    assert harness.ledger(server)["given"] == count


def test_one_key_on_many_connections_is_one_use(start):
    # Goal: of two users who send one key, one gets a code. Method: two loops, slow flushes, the same keys from both
    # at once, again and again.
    server = start("--threads", "2", "--test-flush-delay-microseconds", "500")
    make(server, count=10_000)

    def ask(user):
        with server.connect() as connection:
            for number in range(500):
                connection.send("ALLOC", "always", user, "KEY", f"k{number}")
            replies = []
            for _ in range(500):
                reply = connection.read()
                if isinstance(reply, harness.ErrorReply):
                    assert reply.word == "KEYREUSE"
                    reply = None
                replies.append(reply)
            return replies

    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, user) for user in ["a", "a", "b", "b"]]
        replies = [one.result() for one in asked]
    for number in range(500):
        first, second, third, fourth = (part[number] for part in replies)
        assert first == second and third == fourth
        assert (first is None) != (third is None)
    assert harness.ledger(server)["given"] == 500
