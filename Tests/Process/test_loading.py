"""Clients that connect while the server recovers get LOADING, and are served on the same connection
afterwards."""

import pytest

import harness

CODES = 400_000


@pytest.fixture
def heavy(start):
    """Enough data that its recovery takes a moment: uploads of codes and a log of allocations."""
    server = start("--segment-kib", 8_192, "--snapshot-log-mib", 0)
    harness.make_campaign(server, count=CODES)
    with server.connect() as connection:
        for number in range(4):
            connection.call("LIST", "CREATE", f"list-{number}", "UNIQUE")
            harness.get_upload(connection, f"list-{number}", harness.codes(CODES, f"L{number}-"))
        users = [f"u{number}" for number in range(100_000)]
        replies = harness.allocate_all(connection, "summer", users, depth=2_000)
    assert replies[-1] == b"C00100000"
    server.kill()


def test_clients_get_loading_and_then_are_served(start, heavy):
    # Goal: LOADING for PING and ALLOC alike; commands about the connection work; then the same
    # connection is served. Method: connect as soon as the port is open, ask until the answer changes.
    server = start(port=harness.free_port(), wait=False)

    def connect():
        try:
            return server.connect()
        except ConnectionRefusedError:
            return None

    with harness.wait_until(connect, "the port is open") as connection:
        connection.send("PING")
        first = connection.read()
        assert isinstance(first, harness.ErrorReply), "the recovery was over too soon for this test to see it"
        assert first.word == "LOADING"
        assert "recovering" in str(first)
        assert connection.call_map("HELLO")[b"server"] == b"tearoff"
        info = connection.call("INFO", "persistence").decode()
        refused = connection.error_of("ALLOC", "summer", "u5")
        assert refused == "LOADING"
        assert "loading:1" in info
        server.wait_ready()
        assert connection.call("PING") == b"PONG"
        assert connection.call("ALLOC", "summer", "u5") == b"C00000006"
        assert "loading:0" in connection.call("INFO", "persistence").decode()
    assert harness.ledger(server)["given"] == 100_000


def test_a_stop_while_loading_is_clean(start, heavy):
    # Goal: SIGTERM during a recovery ends the server within 10 s, with 0. Method: as soon as it has the
    # directory.
    server = start(wait=False)
    server.wait_log("directory.opened")
    server.signal(15)
    assert server.wait_exit(10) == 0, server.log
    assert harness.ledger(start())["given"] == 100_000
