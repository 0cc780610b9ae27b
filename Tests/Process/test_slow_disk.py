"""On a disk whose flush is slow a loop goes on: what depends on nothing in flight is answered meanwhile."""

import os
import select
import statistics

import pytest

import harness
from harness import encode
from test_archive import expire

DELAY_MICROSECONDS = 5_000


@pytest.fixture
def slow(start):
    """A server of one loop, so that everything meets on it, which has noticed that its disk is slow."""
    server = start("--threads", 1, "--test-flush-delay-microseconds", DELAY_MICROSECONDS)
    harness.make_campaign(server, count=20_000)
    with server.connect() as connection:
        for number in range(10):
            connection.call("ALLOC", "summer", f"settled-{number}")
    assert server.info()["log_slow_flushes"] == 0
    return server


def answered_meanwhile(server, *words):
    """How many times a command is answered on one connection while a commit of another is in flight: the
    median of 40 commits. (Now and then one is waited for on purpose, to measure the flush.)"""
    counts = []
    with server.connect() as writer, server.connect() as reader:
        for number in range(40):
            writer.send("ALLOC", "summer", f"{'-'.join(words)}-{number}")
            # The command has reached the loop when this one, sent later, is answered.
            count = -1
            while not select.select([writer.socket], [], [], 0)[0]:
                reader.call(*words)
                count += 1
            assert writer.read().startswith(b"C")
            counts.append(count)
    return statistics.median(counts)


def test_a_flush_of_a_second_is_told(start):
    # Goal: whoever looks for the reason of slow replies finds it. Method: a flush that takes 1.1 s; faster ones (below)
    # are not told.
    server = start("--threads", 1, "--test-flush-delay-microseconds", 1_100_000)
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        harness.get_upload(connection, "june", harness.codes(10))
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june")
        connection.call("ALLOC", "summer", "u1")
    server.wait_log("log.slow-flush")
    assert server.info()["log_slow_flushes"] >= 1


def test_ping_is_answered_while_a_commit_is_in_flight(slow):
    # Goal: the loop does not stand still for 5 ms. Method: PINGs counted during single commits.
    assert answered_meanwhile(slow, "PING") >= 5


def test_a_repeat_of_a_settled_user_is_answered_meanwhile(slow):
    # Goal: a reply depends on its own frame, not on the lane's latest. Method: a code that is long durable.
    assert answered_meanwhile(slow, "ALLOC", "summer", "settled-3") >= 5


def test_look_ups_that_depend_on_nothing_in_flight_are_answered_meanwhile(slow):
    # Goal: look-ups too. Method: the campaign, which no allocation changes; the history and the code of a user
    # whose row is long durable.
    assert answered_meanwhile(slow, "CAMPAIGN", "INFO", "summer") >= 5
    assert answered_meanwhile(slow, "USER", "HISTORY", "settled-3") >= 5
    assert answered_meanwhile(slow, "CODE", "FIND", "C00000003") >= 5
    assert answered_meanwhile(slow, "PREVIEW", "summer", "settled-3") >= 5
    assert answered_meanwhile(slow, "PREVIEW", "summer") >= 5


@pytest.mark.parametrize("threads", [1, 2])
def test_look_ups_of_what_is_in_flight_wait_for_it(start, threads):
    # Goal: neither the history nor the code tells of an allocation that a crash could take away, on its own loop or
    # on another. Method: both are asked for on eight other connections while its commit is in flight, which takes 20
    # ms; who is told of it must see its own reply right behind, but for rounds in which a busy machine held that up.
    rounds, delay = 20, 0.02
    server = start("--threads", threads, "--test-flush-delay-microseconds", int(delay * 1e6))
    harness.make_campaign(server, count=1_000)
    told = early = 0
    with server.connect() as writer, harness.closing([server.connect() for _ in range(8)]) as readers:
        for number in range(rounds):
            writer.send("ALLOC", "summer", f"looked-at-{number}")
            # Time enough to be decided, and not to be durable.
            select.select([writer.socket], [], [], delay / 10)
            for reader in readers:
                reader.send("USER", "HISTORY", f"looked-at-{number}")
                reader.send("CODE", "FIND", b"C%08d" % (1 + number))
            ready = True
            for reader in readers:
                history, place = reader.read(), harness.as_map(reader.read()[0])
                if history != [] or place[b"state"] == b"given":
                    told += 1
                    ready = ready and bool(select.select([writer.socket], [], [], delay / 4)[0])
            early += not ready
            assert writer.read() == b"C%08d" % (1 + number)
    assert told > rounds and early < rounds / 4, f"{told} were told, in {early} rounds early"


def test_what_is_in_flight_is_not_told_before_it_is_durable(slow):
    # Goal: no reply builds on what a crash can take away. Method: an allocation; a retry of its user and a
    # look-up at the code on other connections come no earlier than its own reply.
    with slow.connect() as first, slow.connect() as second, slow.connect() as third:
        for number in range(20):
            user = f"flying-{number}"
            first.send("ALLOC", "summer", user)
            second.send("ALLOC", "summer", user)
            code = second.read()
            assert select.select([first.socket], [], [], 0.05)[
                0
            ], "the retry was answered before the allocation"
            assert first.read() == code
            first.send("ALLOC", "summer", f"next-{number}")
            third.send("LIST", "INFO", "june")
            given = harness.as_map(third.read())[b"given"]
            ready = bool(select.select([first.socket], [], [], 0.05)[0])
            assert (
                ready or given == 10 + 2 * number + 1
            ), "the ledger told of an allocation that is not durable"
            first.read()


def test_asynchronous_flushes_are_counted(slow):
    # Goal: INFO tells which way commits go. Method: 50 commits one after the other.
    with slow.connect() as connection:
        for number in range(50):
            connection.call("ALLOC", "summer", f"counted-{number}")
    info = slow.info()
    assert info["log_asynchronous_flushes"] >= 40
    assert info["log_flush_microseconds"] >= DELAY_MICROSECONDS


def test_many_connections_share_a_flush(slow):
    # Goal: throughput on a slow disk comes from gathering. Method: 200 connections, each with one request at
    # a time; commands per frame as INFO counts them.
    clients, rounds = 200, 15
    before = slow.info()["log_frames"]
    with harness.closing([slow.connect() for _ in range(clients)]) as connections:
        for turn in range(rounds):
            for number, connection in enumerate(connections):
                connection.send_bytes(encode("ALLOC", "summer", f"many-{turn}-{number}"))
            for connection in connections:
                assert connection.read().startswith(b"C")
    frames = slow.info()["log_frames"] - before
    assert clients * rounds / frames > 20


def test_changes_of_the_catalog_work_on_a_slow_disk(slow):
    # Goal: control changes never get stuck behind a seal or a frame in flight. Method: 60 of them in a row,
    # while another connection allocates; pauses of the length of a seal's delay come from the slow flushes
    # themselves.
    with slow.connect() as connection, slow.connect() as other:
        for number in range(20):
            other.send("ALLOC", "summer", f"beside-{number}")
            connection.call("LIST", "CREATE", f"list-{number}", "UNIQUE")
            assert harness.get_upload(connection, f"list-{number}", b"A\nB\n")[b"status"] == b"loaded"
            connection.call("CAMPAIGN", "CREATE", f"campaign-{number}", "LIST", f"list-{number}")
            other.read()
        assert len(connection.call("CAMPAIGN", "ALL")) == 21


def count_segments(server):
    return len(list((server.directory / "wal").iterdir()))


def test_codes_go_out_while_all_background_work_waits_for_the_disk(start):
    # Goal: log segments have threads of their own (LoopGroup). Method: an archived list whose blob is a FIFO, so that
    # whoever opens it waits; as many exports of it as there may be hold every other thread, as a walk of the trail
    # shows, which is not answered before the FIFO is; meanwhile codes go out over many segments of 64 KiB.
    server = start("--threads", 1, "--segment-kib", 64)
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "old", "UNIQUE")
        harness.get_upload(connection, "old", harness.codes(10))
    (blob,) = (server.directory / "blobs").iterdir()
    expire(server, "old")
    server.call("LIST", "ARCHIVE", "old")
    harness.make_campaign(server, count=100_000)
    blob.unlink()
    os.mkfifo(blob)
    segments = count_segments(server)
    operators = [server.connect() for _ in range(8)]
    with harness.closing(operators), server.connect() as walker, server.connect() as users:
        for operator in operators:
            export = operator.call_map("EXPORT", "BEGIN", "old", "ALL")[b"export"]
            operator.send("EXPORT", "READ", export)
        walker.send("AUDIT", "CHECK")
        for start_at in range(0, 100_000, 1_000):
            wanted = [f"{start_at}-{number}" for number in range(1_000)]
            assert len(set(harness.allocate_all(users, "summer", wanted))) == 1_000
        assert count_segments(server) > segments + 4
        assert not select.select([walker.socket], [], [], 0)[0]
