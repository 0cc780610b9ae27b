"""A server that is asked to stop finishes what is in flight, seals, and ends with 0; nothing acknowledged is
lost."""

import pathlib
import select
import signal
import time

import pytest

import harness
from load import Load


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_a_burst_ends_it_cleanly(start, number):
    # Goal: exit 0 within 10 s, everything acknowledged there after a start. Method: a load process of its
    # own.
    server = start("--threads", 2)
    harness.make_campaign(server, count=300_000)
    with Load(server.port, seed=f"shutdown-{number}", connections=6, depth=32, campaigns=["summer"]) as load:
        load.wait_acknowledged(5_000)
        server.signal(number)
        started = time.monotonic()
        assert server.wait_exit(10) == 0, server.log
        assert time.monotonic() - started < 10
        acknowledged = load.finish().acknowledged
    assert len(acknowledged) >= 5_000
    assert "server.stopped" in server.log
    again = start("--threads", 1)
    assert "recovery.torn-tail" not in again.log
    with again.connect() as connection:
        users = [user for _, user in acknowledged]
        assert harness.allocate_all(connection, "summer", users) == list(acknowledged.values())


def test_a_clean_stop_leaves_the_same_ledger(start):
    # Goal: nothing is given by the stop itself. Method: the ledger before and behind it.
    server = start()
    harness.make_campaign(server)
    with server.connect() as connection:
        harness.allocate_all(connection, "summer", [f"u{number}" for number in range(321)])
    before = harness.ledger(server)
    server.stop()
    assert harness.ledger(start()) == before


def test_what_is_under_way_at_a_stop_is_answered(start):
    # Goal: no client is left without a word. Method: a snapshot is asked for while every flush takes 2 s, then
    # SIGTERM; a code that was asked for before it is given.
    server = start("--threads", 1)
    harness.make_campaign(server)
    server.stop()
    server = start("--threads", 1, "--test-flush-delay-microseconds", 2_000_000)
    with server.connect() as first, server.connect() as second:
        first.send("ALLOC", "summer", "u1")
        second.send("SNAPSHOT")
        harness.wait_until(lambda: server.call("PING") == b"PONG", "what was sent before is read")
        server.signal(signal.SIGTERM)
        assert first.read() == b"C00000001"
        assert second.read().word == "SHUTDOWN"
    assert server.wait_exit() == 0


def test_idle_connections_do_not_delay_a_stop(start):
    # Goal: nobody's silence holds the server. Method: 100 connections that say nothing, and one with half a
    # command.
    server = start()
    with harness.closing([server.connect() for _ in range(100)]) as connections:
        connections[0].send_bytes(b"*3\r\n$5\r\nALLOC")
        assert connections[1].call("PING") == b"PONG"
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait_exit(10) == 0
        assert time.monotonic() - started < 5
        assert connections[2].is_closed()


def test_a_client_that_never_reads_does_not_delay_a_stop(start):
    # Goal: 10 s also with replies that nobody takes. Method: a flood that nobody reads, then SIGTERM.
    server = start()
    with server.connect() as connection:
        connection.socket.settimeout(1)
        try:
            while True:
                connection.send_bytes(harness.encode("ECHO", b"m" * 60_000) * 10)
        except TimeoutError:
            pass
        server.signal(signal.SIGTERM)
        assert server.wait_exit(12) == 0


def test_a_second_signal_ends_at_once(start):
    # Goal: an operator who does not want to wait need not. Method: a flush of 3 s in flight, SIGTERM twice.
    server = start("--threads", 1)
    harness.make_campaign(server)
    server.stop()
    server = start("--threads", 1, "--test-flush-delay-microseconds", 3_000_000)
    with server.connect() as connection:
        connection.send("ALLOC", "summer", "u1")
        server.signal(signal.SIGTERM)
        server.wait_log("server.stopping")
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait_exit(5) == 128 + signal.SIGTERM
        assert time.monotonic() - started < 2


def test_a_signal_is_heard_however_early_it_comes(start):
    # Goal: no stop is lost while a server starts. Method: SIGTERM at sixty moments of its first milliseconds; it ends,
    # in good order or, before it has begun anything, of the signal.
    codes = set()
    for moment in range(60):
        server = start(wait=False)
        select.select([], [], [], moment / 1_000)
        server.signal(signal.SIGTERM)
        codes.add(server.wait_exit(10))
    assert codes <= {0, -signal.SIGTERM}


def test_no_library_has_the_last_word(start):
    # Goal: a stop during a start ends no library under a thread that is still in it, as OpenSSL's end once did under
    # libcurl's beginning. Method: a library that aborts when it is ended.
    library = harness.preloadable(pathlib.Path(__file__).with_name("last_words.c"))
    server = start(environment={"LD_PRELOAD": str(library)})
    server.signal(signal.SIGTERM)
    assert server.wait_exit(10) == 0


def test_nothing_begins_before_signals_are_heard(start, strace):
    # Goal: a server that has begun ends in good order when it is told to. Method: the kernel is slow to take what the
    # process wants to hear, half a second for each signal; SIGTERM as soon as it serves.
    slow = [strace, "--daemonize", "-f", "-qq", "-e", "signal=none", "-e", "trace=signalfd4",
            "-e", "inject=signalfd4:delay_enter=500ms", "-o", "/dev/null", "--"]
    server = start(under=slow)
    server.signal(signal.SIGTERM)
    assert server.wait_exit(10) == 0
    assert "server.stopped" in server.log


def test_shutdown_ends_the_server_and_closes_the_connection(start):
    # Goal: SHUTDOWN does as SIGTERM does. Method: behind allocations that are still held, on the same
    # connection.
    server = start()
    harness.make_campaign(server)
    with server.connect() as connection:
        connection.send_bytes(
            b"".join(harness.encode("ALLOC", "summer", f"u{number}") for number in range(100))
            + harness.encode("SHUTDOWN")
        )
        assert [connection.read() for _ in range(100)] == [b"C%08d" % number for number in range(1, 101)]
        assert connection.is_closed()
    assert server.wait_exit(10) == 0
    assert harness.ledger(start())["given"] == 100


def test_closed_connections_raise_no_signal(server):
    # Goal: SIGPIPE never ends the server. Method: clients that are gone before their replies come.
    harness.make_campaign(server)
    for number in range(50):
        with server.connect() as connection:
            connection.send_bytes(
                b"".join(harness.encode("ALLOC", "summer", f"u{number}-{index}") for index in range(20))
            )
    assert server.call("PING") == b"PONG"
    assert server.process.poll() is None
