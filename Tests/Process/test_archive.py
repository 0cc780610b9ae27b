"""Lists that are archived, come back and are deleted, on a real server with the admin tool, across kills."""

import subprocess
import time

import harness
from harness import as_map, wait_until
from test_edits import tool

CODES = [b"C%08d" % number for number in range(1, 1_001)]


def expire(server, name="june"):
    """Lets the list expire, and waits until it has."""
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    server.call("LIST", "SET", name, "EXPIRES", text)
    with server.connect() as connection:
        wait_until(lambda: connection.call_map("LIST", "INFO", name)[b"expired"] == 1, "the expiry")
        wait_until(
            lambda: all(as_map(row)[b"state"] == b"finished" for row in connection.call("CAMPAIGN", "ALL")), "the end"
        )


def exported(server, selection, name="june"):
    """The lines of an export, sorted."""
    with server.connect() as connection:
        columns = "coupon-code,external-id,coupon-given-date,campaign,status"
        export = connection.call_map("EXPORT", "BEGIN", name, selection, "COLUMNS", columns)[b"export"]
        data = b""
        while piece := connection.call("EXPORT", "READ", export):
            data += piece
    return sorted(data.split(b"\r\n"))


def events(server):
    with server.connect() as connection:
        # For a moment after a start the feed is being read.
        wait_until(lambda: not isinstance(read_feed(connection), harness.ErrorReply), "the feed")
        return [as_map(event) for event in as_map(read_feed(connection))[b"events"]]


def read_feed(connection):
    connection.send("FEED", "READ", 1, "COUNT", 1000)
    return connection.read()


def find(connection, code):
    return [as_map(place) for place in connection.call("CODE", "FIND", code)]


def test_an_archived_list_is_read_from_disk_and_comes_back(start):
    # Goal: what it told before it tells archived, over a kill; then the rest goes out in its order. Method: look-ups
    # and exports before, archived, and behind a kill with and without a snapshot.
    server = start()
    harness.make_campaign(server, count=1_000)
    users = [f"u{number}" for number in range(20)]
    with server.connect() as connection:
        assert harness.allocate_all(connection, "summer", users) == CODES[:20]
    expire(server)
    assert tool(server, "list", "return", "june").returncode == 1
    before = [exported(server, selection) for selection in ("GIVEN", "FREE", "ALL")]
    assert tool(server, "list", "archive", "june").returncode == 0
    for life in range(3):
        with server.connect() as connection:
            info = connection.call_map("LIST", "INFO", "june")
            assert info[b"archived-at"] and (info[b"free"], info[b"given"]) == (980, 20)
            assert connection.error_of("ALLOC", "summer", "u1") == "EXPIRED"
            for words in (["SET", "june", "EXPIRES", "NEVER"], ["LOAD", "june", "BEGIN"], ["ARCHIVE", "june"]):
                assert connection.error_of("LIST", *words) == "ARCHIVED"
            assert connection.error_of("CAMPAIGN", "RESUME", "summer") == "ARCHIVED"
            # The replies keep their order, whatever is read from disk in between.
            connection.send("CODE", "FIND", CODES[3])
            connection.send("PING")
            connection.send("USER", "HISTORY", "u7")
            connection.send("ECHO", "last")
            (place,) = [as_map(place) for place in connection.read()]
            assert (place[b"state"], place[b"user"], place[b"list"]) == (b"given", b"u3", b"june")
            assert connection.read() == b"PONG"
            (row,) = [as_map(row) for row in connection.read()]
            assert (row[b"code"], row[b"campaign"]) == (CODES[7], b"summer")
            assert connection.read() == b"last"
            assert find(connection, CODES[500])[0][b"state"] == b"free"
            assert find(connection, "NONE") == [{b"state": b"unknown"}]
        assert [exported(server, selection) for selection in ("GIVEN", "FREE", "ALL")] == before
        if life == 1:
            server.call("SNAPSHOT")
        if life < 2:
            server.kill()
            server = start()
    wait_until(lambda: any(event[b"event"] == b"archived" for event in events(server)), "the event")
    assert all(event[b"code"] is None for event in events(server) if event[b"event"] == b"given")
    assert tool(server, "list", "return", "june").returncode == 0
    assert tool(server, "list", "set", "june", "--expires", "never").returncode == 0
    assert tool(server, "campaign", "resume", "summer").returncode == 0
    with server.connect() as connection:
        assert harness.allocate_all(connection, "summer", users) == CODES[:20]
        more = [f"v{number}" for number in range(980)]
        assert harness.allocate_all(connection, "summer", more) == CODES[20:]
        assert connection.call_map("LIST", "INFO", "june")[b"archived-at"] is None
        acts = [as_map(row)[b"act"] for row in connection.call("AUDIT", "READ")]
        assert acts.count(b"LIST ARCHIVE") == acts.count(b"LIST RETURN") == 1


def test_a_list_is_deleted_when_its_name_is_said_twice(start):
    # Goal: nothing goes without the name; then names are free, the trail has the figures, and nothing is told of it;
    # the feed goes on. Method: the tool and the wire, across a kill, and a check of the directory.
    server = start()
    harness.make_campaign(server, count=1_000)
    server.call("ALLOC", "summer", "u1")
    for words in ([], ["--confirm", "july"]):
        refused = tool(server, "list", "delete", "june", *words)
        assert refused.returncode == 64 and "Nothing was deleted" in refused.stderr
    with server.connect() as connection:
        assert connection.error_of("LIST", "DELETE", "june", "CONFIRM", "july") == "SYNTAX"
        assert connection.error_of("LIST", "DELETE", "june") == "SYNTAX"
        assert connection.error_of("LIST", "DELETE", "june", "CONFIRM", "june") == "INUSE"
    server.call("CAMPAIGN", "FINISH", "summer")
    assert tool(server, "list", "delete", "june", "--confirm", "june").returncode == 0
    for life in range(2):
        with server.connect() as connection:
            assert connection.call("LIST", "ALL") == [] and connection.call("CAMPAIGN", "ALL") == []
            assert connection.error_of("LIST", "INFO", "june") == "NOLIST"
            assert connection.error_of("ALLOC", "summer", "u1") == "NOCAMPAIGN"
            assert connection.call("USER", "HISTORY", "u1") == []
            assert find(connection, CODES[0]) == [{b"state": b"unknown"}]
            act = as_map(connection.call("AUDIT", "READ")[-1])
            assert (act[b"act"], act[b"object"]) == (b"LIST DELETE", b"june")
            assert act[b"before"] == b"uploaded=1000 free=999 given=1 withdrawn=0 burned=0 campaigns=1"
        wait_until(lambda: events(server)[-1][b"event"] == b"deleted", "the event")
        (given,) = [event for event in events(server) if event[b"event"] == b"given"]
        assert (given[b"campaign"], given[b"list"], given[b"code"]) == (b"summer", b"june", None)
        if life == 0:
            server.kill()
            server = start()
    harness.make_campaign(server, count=1_000)
    assert server.call("ALLOC", "summer", "u1") == CODES[0]
    for _ in range(3):
        server.call("SNAPSHOT")
    server.stop()
    verified = subprocess.run(
        [harness.TEAROFFCTL, "verify", "--data", server.directory], capture_output=True, check=False)
    assert verified.returncode == 0, verified


def test_the_memory_of_an_archived_list_is_told(start):
    # Goal: see what an archive brings. Method: the resident memory before and behind; told, not judged, since when an
    # allocator gives pages back is its own affair.
    server = start()
    harness.make_campaign(server, count=1_000_000)
    loaded = server.resident_bytes()
    expire(server)
    server.call("LIST", "ARCHIVE", "june")
    archived = server.resident_bytes()
    server.kill()
    server = start()
    print(f"loaded {loaded >> 20} MiB, archived {archived >> 20} MiB, started {server.resident_bytes() >> 20} MiB")
    assert server.call("LIST", "INFO", "june")
