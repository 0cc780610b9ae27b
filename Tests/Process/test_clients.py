"""Clients that are slow, silent, gone or greedy take no more than a stated share, and the others are served.

What one client sends wrong is in test_limits.py. The forms with thousands of clients are in ./tools/torture."""

import os
import random
import select
import socket
import struct
import subprocess
import sys

import pytest

import greedy
import harness
from harness import encode

MEBIBYTE = 1 << 20
# An upload's chunk of 1 MiB, up to its bytes.
HEAD_OF_A_CHUNK = b"*6\r\n$4\r\nLIST\r\n$4\r\nLOAD\r\n$4\r\njune\r\n$5\r\nCHUNK\r\n$1\r\n1\r\n$%d\r\n" % MEBIBYTE


# MARK: - Time


@pytest.mark.parametrize("byte_every_seconds", [None, 0.2])
def test_a_command_that_does_not_end_is_told_and_closed(start, byte_every_seconds):
    # Goal: a command has a deadline, and neither silence nor a byte now and then moves it. Method: half a command, then
    # nothing, or bytes of a long argument; another client is served all the while.
    server = start("--request-seconds", 1)
    with server.connect() as slow, server.connect() as other:
        slow.send_bytes(b"*2\r\n$4\r\nECHO\r\n$1000\r\n")
        while not select.select([slow.socket], [], [], byte_every_seconds)[0]:
            slow.send_bytes(b"x")
            assert other.call("PING") == b"PONG"
        reply = slow.read()
        assert reply.word == "PROTOCOL" and "1 s" in str(reply)
        assert slow.is_closed()
        assert other.call("PING") == b"PONG"
    assert server.info()["clients_overdue"] == 1


def test_a_thousand_commands_in_time_are_not_one_that_is_late(start):
    # Goal: the deadline is a command's, not a connection's. Method: whole commands, with half of the next behind each,
    # for three times as long as one may take.
    server = start("--request-seconds", 1)
    with server.connect() as client:
        ping = encode("PING")
        client.send_bytes(ping[:5])
        for _ in range(30):
            client.send_bytes(ping[5:] + ping[:5])
            assert client.read() == b"PONG"
            select.select([client.socket], [], [], 0.1)
    assert server.info()["clients_overdue"] == 0


@pytest.mark.parametrize(
    "flag, seconds, first",
    [
        pytest.param("--request-seconds", 1, b"", id="first-byte"),
        pytest.param("--idle-seconds", 1, encode("PING"), id="idle"),
    ],
)
def test_a_connection_that_says_nothing_is_closed(start, flag, seconds, first):
    # Goal: neither before its first byte nor behind a command may a client be silent for ever; it is told nothing,
    # which would be taken for a reply to its next command. Method: the limits at one second; read to the end.
    server = start(flag, seconds)
    with server.connect() as client:
        client.send_bytes(first)
        if first:
            assert client.read() == b"PONG"
        assert client.is_closed()
    assert server.info()["clients_overdue"] == 1


def is_feed_read(client):
    client.send("FEED", "READ", 1)
    return isinstance(client.read(), list)


def test_a_client_that_the_server_keeps_waiting_is_not_late(start):
    # Goal: time in which the server does not read is not the client's. Method: a wait for events that takes longer than
    # a command and an idle client may; half a command stands behind it, and its rest comes when the wait is over.
    server = start("--request-seconds", 1, "--idle-seconds", 1)
    with server.connect() as client:
        harness.wait_until(lambda: is_feed_read(client), "the feed is read")
        ping = encode("PING")
        client.send_bytes(encode("FEED", "READ", 1, "BLOCK", 4_000) + ping[:5])
        assert isinstance(client.read(), list)
        client.send_bytes(ping[5:])
        assert client.read() == b"PONG"


def test_a_stopped_server_blames_no_client(start):
    # Goal: after SIGSTOP and SIGCONT everything goes on, and no client is late for time in which the process stood
    # still. Method: half a command before a stop that is longer than a command may take.
    server = start("--request-seconds", 1)
    harness.make_campaign(server)
    with server.connect() as client:
        alloc = encode("ALLOC", "summer", "u1")
        client.send_bytes(encode("PING") + alloc[:9])
        assert client.read() == b"PONG"
        with greedy.stopped(server):
            assert not select.select([client.socket], [], [], 2.5)[0]
        client.send_bytes(alloc[9:])
        assert client.read() == b"C00000001"


# MARK: - Peers that are gone


def test_sockets_ask_whether_their_peer_is_there(server):
    # Goal: a half-open connection is noticed. Method: the kernel's timer of an idle connection of the server:
    # keepalive, within the minute; by default it would be two hours.
    with server.connect() as client:
        assert client.call("PING") == b"PONG"
        timer, seconds = harness.wait_until(
            lambda: greedy.timer_of(server.port, client.socket.getsockname()[1]), "the socket's timer")
        assert timer == greedy.KEEPALIVE_TIMER and 0 < seconds <= 60


def test_replies_that_nobody_takes_end_the_connection(start):
    # Goal: a client that does not read keeps its share for a limited time only. Method: a flood of commands; the client
    # never reads, and the system says when the server has closed.
    server = start("--unread-seconds", 2)
    with server.connect() as client, server.connect() as watcher:
        client.socket.setblocking(False)
        greedy.flood(client.socket, encode("ECHO", b"m" * 4_000))
        harness.wait_until(lambda: figure(watcher, "connected_clients") == 1, "the connection is closed")
        harness.wait_until(lambda: figure(watcher, "client_memory") == 0, "what it held is given back")


def test_a_peer_that_vanishes_is_let_go(start):
    # Goal: a machine that lost its power, or its network, does not keep its connection. Method: a network of our own
    # (half_open.py), which goes down while a reply is due.
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, os.path.join(os.path.dirname(__file__), "half_open.py")],
        capture_output=True, text=True, timeout=3 * harness.DEADLINE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def figure(connection, name):
    text = connection.call("INFO", "clients").decode()
    return int(next(line.split(":")[1] for line in text.splitlines() if line.startswith(f"{name}:")))


# MARK: - Room


def test_slow_clients_leave_the_others_their_service(start):
    # Goal: many slow clients cost little memory and no service. Method: 200 of them, each a byte at a time, until all
    # are closed; another client is served meanwhile, and memory stays within the bound of docs/OPERATING.md.
    server = start("--request-seconds", 2)
    served, before, peak = greedy.slow_clients(server, count=200)
    assert served > 200
    assert peak - before < greedy.bound_bytes(connections=202, memory_mib=0)
    assert server.info()["clients_overdue"] == 200


@pytest.mark.parametrize("greedy_count", [1, 2])
@pytest.mark.parametrize(
    "words, count, answers_least",
    [
        pytest.param(("INFO",), 20_000, 300, id="INFO"),
        pytest.param(("LIST", "ALL"), 20_000, 300, id="LIST ALL"),
        pytest.param(("LIST", "INFO", "june"), 20_000, 300, id="LIST INFO"),
        pytest.param(("PING",), 1_000_000, 600, id="PING"),
    ])
def test_who_sends_without_end_leaves_the_others_their_turn(start, words, count, answers_least, greedy_count):
    # Goal: long replies in one pipeline do not take a loop for themselves, whether they are made at once or elsewhere,
    # nor do short ones in great number. Method: commands, sent and read as fast as may be, beside another client on the
    # same loop: a server that runs all that it has read before it looks at others answers that one once per 64 KiB.
    server = start("--threads", 1)
    with server.connect() as other:
        other.call("LIST", "CREATE", "june", "UNIQUE")
        with harness.closing([greedy.Endless(server, words, count) for _ in range(greedy_count)]) as crowd:
            for endless in crowd:
                endless.begin()
            answers = 0
            while not all(endless.is_done for endless in crowd):
                assert other.call("PING") == b"PONG"
                answers += 1
        assert answers >= answers_least


def test_clients_that_never_read_share_what_there_is(start):
    # Goal: however many clients do not read, what they hold stays within --client-memory-mib and their shares; the
    # others are served. Method: 500 floods against 64 MiB: so many that the slack of the bound is little beside them.
    server = start("--client-memory-mib", 64, "--threads", 2)
    served, before, peak = greedy.unread_floods(server, count=500)
    assert served > 0
    assert peak - before < greedy.bound_bytes(connections=502, memory_mib=64)


def test_commands_that_do_not_end_share_what_there_is(start):
    # Goal: the same for input. Method: 40 uploads stop before the end of a chunk of 1 MiB, against 8 MiB; those that
    # are too many are told BUSY and closed, and a client behind them is served.
    server = start("--client-memory-mib", 8)
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
    before = server.resident_bytes()
    with harness.closing([server.connect() for _ in range(40)]) as clients:
        for client in clients:
            greedy.send_all(client.socket, HEAD_OF_A_CHUNK + b"x" * (MEBIBYTE - 1))
        with server.connect() as other:
            # A buffer of a chunk has up to twice the room.
            harness.wait_until(lambda: figure(other, "connected_clients") <= 9, "those that are too many are closed")
            assert figure(other, "connected_clients") >= 4
            assert figure(other, "client_memory") <= 8 * MEBIBYTE
            assert other.call("PING") == b"PONG"
        words = [greedy.last_word(client) for client in clients]
        assert "BUSY" in words and set(words) <= {None, "BUSY"}
        assert server.resident_bytes() - before < greedy.bound_bytes(connections=42, memory_mib=8)
    harness.wait_until(lambda: server.info()["client_memory"] == 0, "what they held is given back")


def test_who_goes_during_a_flush_gives_back_what_it_held(start):
    # Goal: what a client held is counted down once, whatever else waits for it. Method: on a loop that has noticed that
    # its disk is slow, a client breaks its connection with a new code in a flush and a chunk half sent; the flush ends
    # behind it.
    server = start("--threads", 1, "--test-flush-delay-microseconds", 300_000)
    harness.make_campaign(server)
    with server.connect() as other:
        for number in range(8):
            other.call("ALLOC", "summer", f"settled-{number}")
        with server.connect() as client:
            client.send("ALLOC", "summer", "u1")
            client.send_bytes(HEAD_OF_A_CHUNK + b"x" * (MEBIBYTE - 1))
            harness.wait_until(lambda: figure(other, "client_memory") > 0, "the chunk is held")
            # A reset: with an end of its input alone it would be kept until its reply has left.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        harness.wait_until(lambda: figure(other, "client_memory") == 0, "what it held is given back")
        other.call("ALLOC", "summer", "u2")
        assert figure(other, "client_memory") == 0


def test_connections_of_one_address_are_counted(start):
    # Goal: one machine cannot take all connections. Method: two from an address, of which a third is refused; another
    # address has its own.
    server = start("--max-connections-per-address", 2)
    with harness.closing([server.connect(), server.connect()]) as connections:
        assert [connection.call("PING") for connection in connections] == [b"PONG"] * 2
        with server.connect() as third:
            reply = third.read()
            assert reply.word == "LIMIT" and "address" in str(reply)
        with socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.2", 0)) as other:
            other.sendall(encode("PING"))
            assert other.recv(64) == b"+PONG\r\n"
        connections.pop().close()
        harness.wait_until(lambda: greedy.is_admitted(server), "a connection is admitted again")


def test_few_descriptors_mean_few_connections(start):
    # Goal: no commit is left without its next segment since clients have all descriptors. Method: 64 of them; more
    # connections than that come, then small segments are used up, a snapshot is written, and codes are uploaded.
    server = start("--threads", 1, "--segment-kib", 64, under=["prlimit", "--nofile=64:64"])
    assert "connections=2" in server.wait_log("start.few-descriptors")
    harness.make_campaign(server, count=4_000)
    with harness.closing([]) as connections:
        words = []
        for _ in range(80):
            connections.append(server.connect())
            connections[-1].send("PING")
        for connection in connections:
            reply = connection.read()
            words.append(reply.word if isinstance(reply, harness.ErrorReply) else reply)
        assert words.count(b"PONG") == 2 and words.count("LIMIT") == 78
        first = connections[words.index(b"PONG")]
        replies = [first.call("ALLOC", "summer", f"u{number}") for number in range(400)]
        assert replies == [b"C%08d" % number for number in range(1, 401)]
        assert first.call("SNAPSHOT")
        assert harness.get_upload(first, "june", harness.codes(10, "D"))[b"status"] == b"loaded"
    assert server.info()["log_written_bytes"] > 3 * 65_536


@pytest.mark.parametrize(
    "allowed, open_most",
    [pytest.param(2, 1 + 2 + 4, id="that may be"), pytest.param(1_000, 40, id="that are not opened yet")])
def test_connections_wait_to_be_accepted(start, allowed, open_most):
    # Goal: descriptors are bounded also while a loop stands still, and so is what comes to it then. Method: 100
    # connections come during a flush in the loop. Beside the socket that listens as many are open as may be, with four
    # that are to be refused; or, of more, eight that are on their way and those that came before the flush. All are
    # answered in the end.
    server = start("--threads", 1, "--max-connections", allowed, "--test-flush-delay-microseconds", 1_000_000)
    harness.make_campaign(server, count=10)
    with server.connect() as writer:
        assert writer.call("PING") == b"PONG"
        writer.send("ALLOC", "summer", "u1")
        with harness.closing([server.connect() for _ in range(100)]) as crowd:
            for connection in crowd:
                connection.send("PING")
            most = 0
            while not select.select([writer.socket], [], [], 0)[0]:
                most = max(most, server.socket_count())
            assert 7 <= most <= open_most
            replies = [connection.read() for connection in crowd]
            assert replies.count(b"PONG") == min(allowed - 1, 100)
            assert {reply.word for reply in replies if reply != b"PONG"} <= {"LIMIT"}


def test_who_is_in_goes_before_who_comes(start):
    # Goal: who opens connections without end does not keep the loops from their cores. Method: the niceness of the
    # threads: a loop for each of --threads and the control plane's, and the one that accepts.
    server = start("--threads", 3)
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    loops = [thread.niceness for thread in server.threads() if thread.name.startswith("NIO-ELT-")]
    assert sorted(loops) == sorted([ours] * 4 + [min(ours + 10, 19)])


# MARK: - Strangers


@pytest.mark.parametrize("seed", range(4))
def test_garbage_before_authentication_costs_nothing(start, tmp_path, seed):
    # Goal: who has no password reaches nothing but an error. Method: 100 connections of random bytes, of beginnings of
    # commands, and of commands; each is told NOAUTH, a mistake, or nothing, and the server serves on in little memory.
    secret = tmp_path / "password"
    secret.write_text("opensesame\n")
    server = start("--password-file", secret)
    before = server.resident_bytes()
    dice = random.Random(seed)
    print(f"SEED={seed}")
    for _ in range(100):
        with server.connect() as stranger:
            # A wrong password is answered later and later, which test_accounts.py looks at.
            data = greedy.garbage(dice).replace(b"AUTH", b"ECHO")
            greedy.send_all(stranger.socket, data, ends=True)
            for reply in greedy.replies_to_the_end(stranger):
                if reply in (b"PONG", b"OK", b"RESET"):
                    continue
                assert isinstance(reply, harness.ErrorReply), reply
                assert reply.word in {"NOAUTH", "PROTOCOL", "ERR", "SYNTAX", "WRONGPASS"}, reply
    with server.connect() as friend:
        assert friend.call("AUTH", "opensesame") == b"OK"
        assert friend.call("LIST", "ALL") == []
    assert server.resident_bytes() - before < 16 * MEBIBYTE
