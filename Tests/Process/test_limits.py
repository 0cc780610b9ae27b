"""Whatever a client sends or does not read, it gets the documented reply, and nobody else suffers from it."""

import select
import socket
import threading
import time

import pytest

import harness
from harness import encode

LINE = ARGUMENT = 65_536
CHUNK = 1 << 20
COMMAND = 2 << 20
MEBIBYTE = 1 << 20


def bulk(count):
    return b"$%d\r\n%s\r\n" % (count, b"x" * count)


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"ECHO " + b"x" * (LINE - 5) + b"\r\n", id="line"),
        pytest.param(b"*2\r\n$4\r\nECHO\r\n" + bulk(ARGUMENT), id="argument"),
    ],
)
def test_what_is_just_within_a_limit_is_served(server, request_bytes):
    # Goal: the limits are where the manual says, from below. Method: exactly as large as allowed.
    with server.connect() as connection:
        connection.send_bytes(request_bytes + b"PING\r\n")
        assert set(connection.read()) == {ord("x")}
        assert connection.read() == b"PONG"


def test_the_most_arguments_are_served(server):
    # Goal: 1024 arguments pass the parser. Method: COMMAND INFO of 1,022 unknown names.
    with server.connect() as connection:
        assert connection.call("COMMAND", "INFO", *["nosuch"] * 1_022) == [None] * 1_022


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"ECHO " + b"x" * (LINE - 4) + b"\r\n", id="line"),
        pytest.param(b"x" * (LINE + 2), id="line-without-end"),
        pytest.param(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (ARGUMENT + 1), id="argument"),
        pytest.param(b"*1025\r\n$4\r\nECHO\r\n", id="arguments"),
        pytest.param(b"*2147483648\r\n", id="arguments-beyond-32-bits"),
        pytest.param(b"*2\r\n$4\r\nECHO\r\n$-5\r\n", id="negative-length"),
        pytest.param(b"*2\r\n$4\r\nECHO\r\n:5\r\n", id="not-a-bulk-string"),
        pytest.param(b"*1\r\n$4\r\nPINGxx", id="no-end-behind-a-bulk-string"),
        pytest.param(b"*40\r\n" + bulk(65_536) * 33, id="command"),
    ],
)
def test_what_passes_a_limit_is_told_and_closed(server, request_bytes):
    # Goal: PROTOCOL, then the end, with the commands before it answered. Method: a PING goes ahead.
    with server.connect() as other, server.connect() as connection:
        connection.send_bytes(b"PING\r\n")
        assert connection.read() == b"PONG"
        try:
            connection.send_bytes(request_bytes)
        except ConnectionError:
            pass  # The server may have closed before it was all sent.
        assert connection.read().word == "PROTOCOL"
        assert connection.is_closed()
        assert other.call("PING") == b"PONG"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"*2\r\n$4\r\nECHO\r\n$16385\r\n", id="argument"),
        pytest.param(b"*11\r\n", id="arguments"),
        pytest.param(b"x" * 16_386, id="line"),
    ],
)
def test_limits_are_tighter_before_authentication(start, tmp_path, request_bytes):
    # Goal: who has no password cannot make the server hold much. Method: just above the tighter limits.
    secret = tmp_path / "password"
    secret.write_text("opensesame\n")
    server = start("--password-file", secret)
    with server.connect() as connection:
        connection.send_bytes(request_bytes)
        assert connection.read().word == "PROTOCOL"
        assert connection.is_closed()
    with server.connect() as connection:
        assert connection.call("AUTH", "opensesame") == b"OK"
        assert connection.call("ECHO", "x" * 20_000) == b"x" * 20_000


def test_a_chunk_may_be_larger_than_an_argument(server):
    # Goal: 1 MiB for chunks, and only there. Method: one of exactly that size, one a byte larger.
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        upload = connection.call("LIST", "LOAD", "june", "BEGIN")
        line = b"C" * 15 + b"\n"
        assert connection.call("LIST", "LOAD", "june", "CHUNK", upload, line * (CHUNK // 16)) == CHUNK
        connection.send_bytes(b"*5\r\n$4\r\nLIST\r\n$4\r\nLOAD\r\n$4\r\njune\r\n$5\r\nCHUNK\r\n$1\r\n1\r\n")
        with server.connect() as second:
            second.send_bytes(
                b"*6\r\n$4\r\nLIST\r\n$4\r\nLOAD\r\n$4\r\njune\r\n$5\r\nCHUNK\r\n$1\r\n1\r\n$%d\r\n"
                % (CHUNK + 1)
            )
            assert second.read().word == "PROTOCOL"


@pytest.mark.parametrize("size, is_served", [(255, True), (256, False)])
def test_users_and_user_ids_have_255_bytes(server, size, is_served):
    # Goal: the limit of the manual, told as SYNTAX. Method: just within and just beyond.
    harness.make_campaign(server)
    with server.connect() as connection:
        for words in [("u" * size,), ("u", "USERID", "i" * size)]:
            if is_served:
                assert connection.call("ALLOC", "summer", *words).startswith(b"C")
            else:
                assert connection.error_of("ALLOC", "summer", *words) == "SYNTAX"
        assert connection.error_of("ALLOC", "summer", "") == "SYNTAX"


def test_a_web_page_cannot_send_commands(server):
    # Goal: an HTTP request ends the connection before its body is read. Method: a POST with a command in its
    # body.
    with server.connect() as connection:
        connection.send_bytes(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nLIST CREATE stolen UNIQUE\r\n")
        with pytest.raises(harness.Closed):
            while True:
                assert isinstance(connection.read(), harness.ErrorReply)
    assert server.call("LIST", "ALL") == []


def test_who_speaks_tls_to_a_port_without_it_is_told(start):
    # Goal: such a client need not wait for what never comes. Method: a handshake's first bytes, no deadline.
    server = start("--request-seconds", 0)
    with server.connect() as connection:
        connection.send_bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert connection.read().word == "PROTOCOL"
        assert connection.is_closed()


def test_connections_beyond_the_limit_are_told(start):
    # Goal: LIMIT and the end for one too many, and room again when one goes. Method: a limit of 8.
    server = start("--max-connections", 8)
    with harness.closing([server.connect() for _ in range(8)]) as connections:
        for connection in connections:
            assert connection.call("PING") == b"PONG"
        with server.connect() as one_too_many:
            assert one_too_many.read().word == "LIMIT"
            assert one_too_many.is_closed()
        connections.pop().close()

        def admitted():
            with server.connect() as connection:
                connection.send("PING")
                return connection.read() == b"PONG"

        harness.wait_until(admitted, "a connection is admitted again")
        assert connections[0].call("PING") == b"PONG"


def test_a_client_that_never_reads_stops_only_itself(start):
    # Goal: bounded memory under a flood of commands whose replies nobody reads. Method: 12 clients send until
    # the server takes no more; then memory and another client's replies are looked at; then one of them reads
    # after all, and gets every reply in order.
    server = start("--threads", 2)
    harness.make_campaign(server)
    message = b"m" * 4_000
    flood = b"".join(encode("ECHO", b"%06d" % number + message) for number in range(100))
    before = server.resident_bytes()
    with harness.closing([]) as clients:
        sent = []
        for _ in range(12):
            client = server.connect()
            clients.append(client)
            client.socket.setblocking(False)
            sent.append(send_until_full(client.socket, flood, limit=100 * MEBIBYTE))
        # Each stopped because the server read no further, not because it was let through.
        assert max(sent) < 50 * MEBIBYTE
        with server.connect() as other:
            for number in range(200):
                assert other.call("PING", str(number)) == str(number).encode()
            assert other.call("ALLOC", "summer", "u1") == b"C00000001"
        assert server.resident_bytes() - before < 24 * MEBIBYTE
        client = clients[7]
        client.socket.setblocking(True)
        client.socket.settimeout(harness.DEADLINE_SECONDS)
        for number in range(sent[7] // len(flood) * 100):
            assert client.read()[:6] == b"%06d" % (number % 100)
    assert server.call("PING") == b"PONG"


def test_replies_that_wait_for_the_log_are_bounded(start):
    # Goal: a slow disk does not have a client's replies fill the memory. Method: on a loop that has noticed that its
    # disk is slow, and so reads on during a flush, a new code, and behind it a flood whose replies wait for it, too;
    # what the server holds of it is looked at until the flush is over.
    server = start("--threads", 1, "--test-flush-delay-microseconds", 600_000)
    harness.make_campaign(server)
    flood = encode("ECHO", b"m" * 60_000) * 10
    with server.connect() as client, server.connect() as other:

        def figure(name):
            lines = other.call("INFO").decode().splitlines()
            return next(int(line.partition(":")[2]) for line in lines if line.startswith(f"{name}:"))

        for number in range(8):
            client.call("ALLOC", "summer", f"settled-{number}")
        before = figure("log_asynchronous_flushes")
        client.send("ALLOC", "summer", "u1")
        client.socket.setblocking(False)
        sent, held = 0, []
        while not select.select([client.socket], [], [], 0)[0]:
            if select.select([], [client.socket], [], 0)[1]:
                sent += client.socket.send(flood[sent % len(flood) :])
            held.append(figure("client_memory"))
        assert figure("log_asynchronous_flushes") > before
        assert 0 < max(held) < MEBIBYTE


def send_until_full(sock, data, limit):
    """Sends `data` over and over until nothing was taken for half a second; returns the bytes sent."""
    total = 0
    while total < limit:
        if not select.select([], [sock], [], 0.5)[1]:
            break
        total += sock.send(data[total % len(data) :])
    return total


def test_a_pipeline_without_end_keeps_its_memory(server):
    # Goal: what was read and answered is let go of, wherever the reads cut the commands. Method: 200 MB
    # through one connection that always has half a command waiting; the client reads everything.
    piece = encode("ECHO", b"m" * 4_001) * 500
    stream = piece[-1_000:] + piece[:-1_000]
    with server.connect() as connection:
        connection.send_bytes(piece[:-1_000])
        reader = threading.Thread(target=read_to_the_end, args=[connection.socket], daemon=True)
        reader.start()
        for _ in range(10):
            connection.send_bytes(stream)
        before = server.resident_bytes()
        for _ in range(90):
            connection.send_bytes(stream)
        assert server.resident_bytes() - before < 32 * MEBIBYTE
        connection.socket.shutdown(socket.SHUT_WR)
        reader.join(harness.DEADLINE_SECONDS)
        assert not reader.is_alive()


def read_to_the_end(sock):
    try:
        while sock.recv(1 << 20):
            pass
    except OSError:
        pass  # The test has failed and closed it.


def test_replies_larger_than_the_output_limit_arrive_whole(server):
    # Goal: the limit is a brake, not a wall. Method: 2,000 times COMMAND at once, tens of MB in all.
    with server.connect() as connection:
        expected = connection.call("COMMAND")
        connection.send_bytes(encode("COMMAND") * 2_000)
        for _ in range(2_000):
            assert connection.read() == expected


def test_what_runs_elsewhere_is_answered_behind_long_replies(server):
    # Goal: a connection whose replies were too many for a moment waits for the answer of a command that runs elsewhere.
    # Method: in one read, more replies that wait for the log than may be kept, twice over, then LIST INFO, and marks.
    harness.make_campaign(server, "s", count=200_000)
    with server.connect() as connection:
        for allocations in range(1_400, 2_600, 40):
            lines = [f"ALLOC s {allocations:x}.{user:x} FULL" for user in range(allocations)]
            marks = [f"ECHO {number}" for number in range(8)]
            connection.send_bytes("".join(f"{line}\r\n" for line in lines + ["LIST INFO june"] + marks).encode())
            for _ in lines:
                assert harness.as_map(connection.read())[b"code"]
            assert harness.as_map(connection.read())[b"uploaded"] == 200_000
            assert [connection.read() for _ in marks] == [b"%d" % number for number in range(8)]


def test_a_client_may_close_its_half_behind_its_last_command(server):
    # Goal: everything sent before the end is answered. Method: 500 allocations, end of input, read to the
    # end.
    harness.make_campaign(server)
    with server.connect() as connection:
        connection.send_bytes(b"".join(encode("ALLOC", "summer", f"u{number}") for number in range(500)))
        connection.socket.shutdown(socket.SHUT_WR)
        assert [connection.read() for _ in range(500)] == [b"C%08d" % number for number in range(1, 501)]
        assert connection.is_closed()


def test_half_a_command_at_the_end_is_dropped(server):
    # Goal: an unfinished command does nothing and hangs nobody. Method: end of input inside a bulk string.
    harness.make_campaign(server)
    with server.connect() as connection:
        connection.send_bytes(encode("PING") + encode("ALLOC", "summer", "user")[:-4])
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.read() == b"PONG"
        assert connection.is_closed()
    assert harness.ledger(server)["given"] == 0


def test_bytes_may_come_one_by_one(server):
    # Goal: no split of the input matters. Method: one send per byte; arrays, inline lines, and a chunk's
    # bytes.
    harness.make_campaign(server)
    stream = (
        encode("ALLOC", "summer", "u1", "FULL")
        + b'ALLOC summer "u\\x31"\r\n'
        + encode("ECHO", b"\r\n$-1\r\n")
    )
    with server.connect() as connection:
        for byte in stream:
            connection.send_bytes(bytes([byte]))
        assert harness.as_map(connection.read())[b"code"] == b"C00000001"
        assert connection.read() == b"C00000001"
        assert connection.read() == b"\r\n$-1\r\n"


def test_connections_that_come_and_go_leave_nothing(server):
    # Goal: no connection is leaked, however it ends. Method: 600 of them: quiet, reset, in the middle of a
    # command.
    harness.make_campaign(server)
    for number in range(600):
        connection = server.connect()
        if number % 3 == 1:
            connection.send_bytes(b"*3\r\n$5\r\nALLOC\r\n$6\r\nsum")
        if number % 3 == 2:
            connection.send_bytes(encode("ALLOC", "summer", f"u{number}"))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
    with server.connect() as watcher:

        def alone():
            text = watcher.call("INFO", "clients").decode()
            return "connected_clients:1\r" in text + "\r" or "connected_clients:1\n" in text + "\n"

        harness.wait_until(alone, "only the watcher is connected")
        assert watcher.call("PING") == b"PONG"


def test_an_idle_server_uses_no_processor(server):
    # Goal: nothing spins. Method: processor time over a second, with 50 idle connections.
    harness.make_campaign(server)
    with harness.closing([server.connect() for _ in range(50)]):
        before = processor_seconds(server)
        time.sleep(1)
        assert processor_seconds(server) - before < 0.2


def processor_seconds(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_what_an_unfinished_list_of_arguments_takes_is_counted(start):
    # Goal: the bound on clients' memory holds for the places of arguments too, of which an ALLOCMANY has the most.
    # Method: 60,000 empty arguments are 360 KB of input, and three times that of places; 1 MiB is allowed.
    server = start("--client-memory-mib", 1)
    with server.connect() as connection:
        connection.send_bytes(b"*100002\r\n$9\r\nALLOCMANY\r\n" + b"$0\r\n\r\n" * 60_000)
        reply = connection.read()
        assert isinstance(reply, harness.ErrorReply) and reply.word == "BUSY"
        assert connection.is_closed()


def test_who_never_logs_in_is_closed(start, tmp_path):
    # Goal: connections are not kept from others by strangers. Method: one that says PING again and again and never logs
    # in, and one that has logged in, silent for as long, which stays, and is not closed at once when it logs out.
    password = tmp_path / "password"
    password.write_text("secret\n")
    server = start("--password-file", password, "--request-seconds", 1)
    with server.connect() as stranger, server.connect() as friend:
        assert friend.call("AUTH", "secret") == b"OK"

        def is_closed():
            try:
                return stranger.call("PING") != b"PONG"
            except (harness.Closed, OSError):
                return True

        harness.wait_until(is_closed, "the end of the stranger's connection")
        assert b"clients_overdue:1" in friend.call("INFO")
        assert friend.call("RESET") == b"RESET"
        assert friend.call("PING") == b"PONG"
