"""The feed on a real server: read with redis-py and tearoffctl, waited for, and after a kill."""

import json
import signal
import subprocess
import threading

import harness
import redis


def client(server):
    """A server that has just started may still read its feed."""
    connection = redis.Redis(port=server.port, protocol=3, decode_responses=True)

    def is_ready():
        try:
            return feed(connection, 1)
        except redis.ResponseError as error:
            if str(error).startswith("LOADING"):
                return None
            return True

    harness.wait_until(is_ready, "the feed")
    return connection


def feed(connection, first, count=1000, wait=None):
    words = ["FEED", "READ", first, "COUNT", count]
    return connection.execute_command(*words, *(["BLOCK", wait] if wait else []))


def read_all(connection):
    """All events that are kept."""
    events, following = [], 1
    while True:
        page = feed(connection, following)
        if not page["events"]:
            return events
        assert page["missed"] == 0
        events += page["events"]
        following = page["next"]


def supply(connection, codes):
    connection.execute_command("LIST", "CREATE", "june", "UNIQUE", "WARN", 1)
    upload = connection.execute_command("LIST", "LOAD", "june", "BEGIN", "june.txt")
    lines = "".join(f"K{number}\n" for number in range(codes))
    connection.execute_command("LIST", "LOAD", "june", "CHUNK", upload, lines)
    connection.execute_command("LIST", "LOAD", "june", "COMMIT", upload)
    connection.execute_command("CAMPAIGN", "CREATE", "summer", "LIST", "june")


def wait_for(connection, count):
    """All events, once there are so many."""
    return harness.wait_until(
        lambda: (found := read_all(connection)) and len(found) >= count and found, f"{count} events")


def test_events_and_their_fields(start):
    # Goal: each kind has the keys that the manual lists. Method: a short life of a list.
    server = start()
    connection = client(server)
    supply(connection, 3)
    connection.execute_command("ALLOC", "summer", "u1", "USERID", "m1")
    connection.execute_command("HOLD", "summer", "u2", "FOR", "1h")
    connection.execute_command("CONFIRM", "summer", "u2")
    connection.execute_command("HOLD", "summer", "u3", "FOR", "1h")
    connection.execute_command("RELEASE", "summer", "u3")
    events = wait_for(connection, 11)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["event"] for event in events]
    for kind in ["created", "uploaded", "given", "held", "confirmed", "released", "low", "empty", "finished"]:
        assert kind in kinds, kind
    given = events[kinds.index("given")]
    assert given == {
        "sequence": given["sequence"], "at": given["at"], "event": "given", "campaign": "summer", "list": "june",
        "user": "u1", "user-id": "m1", "code": "K0", "hold-until": None,
    }
    assert events[kinds.index("released")]["returned"] is False
    assert events[kinds.index("uploaded")]["codes"] == 3
    info = connection.execute_command("FEED", "INFO")
    assert info["oldest"] == 1 and info["newest"] == len(events) and info["problem"] is None
    assert server.info()["feed_failing"] == 0


def test_a_reader_waits_without_holding_anybody_up(start):
    # Goal: BLOCK waits for the next event, and its loop goes on meanwhile. Method: one loop, a reader that waits, and
    # an ALLOC on another connection.
    server = start("--threads", 1)
    connection = client(server)
    supply(connection, 10)
    following = len(wait_for(connection, 3)) + 1
    pages = []
    waiting = client(server)
    thread = threading.Thread(target=lambda: pages.append(feed(waiting, following, wait=20000)))
    thread.start()
    connection.execute_command("ALLOC", "summer", "u1")
    thread.join(harness.DEADLINE_SECONDS)
    assert [event["user"] for event in pages[0]["events"]] == ["u1"]
    assert feed(connection, pages[0]["next"], wait=1)["events"] == []
    try:
        feed(connection, pages[0]["next"] + 1)
        raise AssertionError("a number that is not there yet")
    except redis.ResponseError as error:
        assert str(error).startswith("FEEDAHEAD")


def test_repeats_are_told_when_the_setting_says_so(start):
    # Goal: with --feed-repeats a repeat is an event, over a kill, and the log can be read by all tools. Method:
    # repeats of a given and of a held code, with ids of their own.
    server = start("--feed-repeats", "--threads", 1)
    connection = client(server)
    supply(connection, 4)
    for user_id in ("m1", "m2"):
        connection.execute_command("ALLOC", "summer", "u1", "USERID", user_id)
    for _ in range(2):
        connection.execute_command("HOLD", "summer", "u2", "FOR", "1h")
    # No reply waits for a repeat's record; this one waits for its own, which stands behind them.
    connection.execute_command("ALLOC", "summer", "u3")
    server.kill()
    directory = server.directory
    dump = subprocess.run(
        [harness.TEAROFFCTL, "wal", "dump", "--data", directory], capture_output=True, text=True, check=True)
    assert dump.stdout.count("repeat ") == 2
    server = start("--feed-repeats")
    events = wait_for(client(server), 8)
    again = [event for event in events if event["event"] == "repeated"]
    assert [(event["user"], event["user-id"], event["code"]) for event in again] == [
        ("u1", "m2", "K0"), ("u2", None, "K1")]
    assert again[0]["hold-until"] is None and again[1]["hold-until"] is not None
    server.stop()
    assert subprocess.run(
        [harness.TEAROFFCTL, "verify", "--data", directory], capture_output=True).returncode == 0


def test_a_stop_answers_those_who_wait(start):
    # Goal: a waiting reader does not hold up the end. Method: SIGTERM.
    server = start()
    with server.connect() as connection:
        connection.send("FEED", "READ", 1, "BLOCK", 60000)
        server.stop()


def test_a_kill_loses_and_repeats_nothing(start):
    # Goal: each acknowledged code is told once, under the number that it had. Method: kills in the middle of a load,
    # read before and after each.
    known = []
    for round_number in range(3):
        server = start()
        connection = client(server)
        if round_number == 0:
            supply(connection, 3000)
        acknowledged = set()
        pipe = connection.pipeline(transaction=False)
        for number in range(600):
            pipe.execute_command("ALLOC", "summer", f"r{round_number}-{number}")
        acknowledged.update(pipe.execute())
        before = read_all(connection)
        assert before[: len(known)] == known
        server.kill()
        server = start()
        connection = client(server)
        events = wait_for(connection, len(before))
        harness.wait_until(
            lambda: acknowledged <= {event.get("code") for event in read_all(connection)}, "every code")
        known = read_all(connection)
        assert known[: len(before)] == before and events[: len(before)] == before
        codes = [event["code"] for event in known if event["event"] == "given"]
        assert len(codes) == len(set(codes)) == 600 * (round_number + 1)
        server.stop()


def test_the_tool_follows_over_a_restart(start):
    # Goal: --follow misses and repeats nothing, and Ctrl-C ends it with 0. Method: a restart on the same port.
    server = start()
    supply(client(server), 100)
    port = server.port
    tool = subprocess.Popen(
        [harness.TEAROFFCTL, "feed", "--from", "1", "--follow", "--json", "--server", f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        client(server).execute_command("ALLOC", "summer", "u1")
        seen = [json.loads(tool.stdout.readline()) for _ in range(4)]
        server.stop()
        server = start(port=port)
        client(server).execute_command("ALLOC", "summer", "u2")
        seen.append(json.loads(tool.stdout.readline()))
        assert [event["sequence"] for event in seen] == [1, 2, 3, 4, 5]
        assert [event.get("user") for event in seen[3:]] == ["u1", "u2"]
        tool.send_signal(signal.SIGINT)
        assert tool.wait(harness.DEADLINE_SECONDS) == 0
    finally:
        tool.kill()
        tool.wait()


def test_a_server_without_a_feed_says_so(start):
    # Goal: the feed can be turned off. Method: 0 MiB.
    server = start("--feed-mib", 0)
    try:
        feed(client(server), 1)
        raise AssertionError("a feed that was turned off")
    except redis.ResponseError as error:
        assert str(error).startswith("NOFEED")
