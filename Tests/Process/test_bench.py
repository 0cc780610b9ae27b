"""tearoff-bench against the real server: what it says it did is what the server's ledger says, too."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import socket
import subprocess
import threading

import pytest

import harness

BENCH = harness.BINARIES / "tearoff-bench"
REQUESTS = 20_000


def bench(
    port: int, *flags: object, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [BENCH, "--server", f"127.0.0.1:{port}", "--campaigns", "summer", *flags]
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", **(environment or {})},
    )


def figures(port: int, *flags: object) -> dict:
    """Runs it with --json; it must succeed."""
    done = bench(port, *flags, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def server(start):
    server = start()
    harness.make_campaign(server, count=4 * REQUESTS)
    return server


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("depth", [1, 16])
def test_a_closed_loop_asks_for_as_many_new_users_as_it_says(server, depth, threads):
    # Goal: N requests are N codes given, and the same seed again is N repeats. Method: the server's ledger.
    flags = ["-n", REQUESTS, "-c", 20, "--depth", depth, "--threads", threads, "--seed", 7]
    first = figures(server.port, *flags)
    assert first["requests"] == REQUESTS
    assert first["errors"] == {}
    assert first["requests_per_second"] > 0
    assert harness.ledger(server)["given"] == REQUESTS
    figures(server.port, *flags)
    assert harness.ledger(server)["given"] == REQUESTS
    assert server.info()["allocations_repeated"] == REQUESTS
    figures(server.port, *flags[:-1], 8)
    assert harness.ledger(server)["given"] == 2 * REQUESTS


def test_the_share_of_repeats_is_as_asked(server):
    figures(server.port, "-n", REQUESTS, "--repeat-share", 0.3, "-c", 5)
    assert abs(harness.ledger(server)["given"] / REQUESTS - 0.7) < 0.02


def test_an_open_loop_keeps_its_rate_and_writes_its_series(server, tmp_path: pathlib.Path):
    # Goal: as many replies as the schedule has arrivals, in both forms and in the series.
    series = tmp_path / "series.csv"
    flags = ["--rate", 2000, "--duration", 1, "--warm-up", 0.2, "--series", series]
    for arrivals in ["even", "poisson"]:
        result = figures(server.port, *flags, "--arrivals", arrivals, "--seed", len(arrivals))
        assert abs(result["requests"] - 2000) <= (1 if arrivals == "even" else 250)
        latency = result["latency_microseconds"]
        ordered = [latency[name] for name in ["p50", "p90", "p99", "p99_9", "p99_99", "max"]]
        assert ordered == sorted(ordered) and ordered[0] > 0
        rows = list(csv.DictReader(series.open()))
        assert sum(int(row["replies"]) for row in rows) == result["requests"]


def test_text_and_csv_say_the_same_things(server):
    text = bench(server.port, "-n", 1000).stdout
    for word in ["rate", "p50", "p99.99", "max", "errors", "generator"]:
        assert f"\n{word} " in text
    done = bench(server.port, "-n", 1000, "--csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["requests"], row["errors"]) == ("1000", "0")


def test_another_command_and_large_replies(server):
    figures(server.port, "-n", 500, "--seed", 3)
    result = figures(server.port, "-n", 2000, "--seed", 3, "--depth", 100, "--command", "USER HISTORY {user}")
    assert result["requests"] == 2000 and result["nulls"] == 0


def test_errors_are_counted_by_their_word_and_end_with_1(server):
    done = bench(server.port, "-n", 100, "--campaigns", "nowhere", "--json")
    assert done.returncode == 1
    ((word, count),) = json.loads(done.stdout)["errors"].items()
    assert count == 100
    allowed = bench(server.port, "-n", 100, "--campaigns", "nowhere", "--allow-error", word)
    assert allowed.returncode == 0


def test_a_password_comes_from_the_environment_or_a_file(start, tmp_path: pathlib.Path):
    file = tmp_path / "password"
    file.write_text("secret\n")
    server = start("--password-file", file)
    flags = ["-n", 10, "--command", "INFO server", "-c", 2]
    assert bench(server.port, *flags).returncode == 1
    assert bench(server.port, *flags, environment={"TEAROFF_PASSWORD": "secret"}).returncode == 0
    assert bench(server.port, *flags, "--password-file", file).returncode == 0
    wrong = bench(server.port, *flags, environment={"TEAROFF_PASSWORD": "wrong"})
    assert wrong.returncode == 1 and "refused the password" in wrong.stderr
    assert bench(server.port, *flags, "--password-file", tmp_path / "none").returncode == 74


def test_exit_codes_say_what_was_wrong():
    port = harness.free_port()
    assert bench(port, "-n", 1).returncode == 69
    for flags in [
        ["--rate", 0],
        ["--rate", 10, "--depth", 2],
        ["-n", 1, "--duration", 1],
        ["--threads", 3, "-c", 2],
        ["--users", "zipf:0"],
        ["--repeat-share", 2],
        ["--command", "GET {key}"],
    ]:
        done = bench(port, *flags)
        assert done.returncode == 64, flags
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("answer", "code"), [(b"HTTP/1.1 400 Bad Request\r\n", 70), (b"", 69)], ids=["no RESP", "closes"]
)
def test_a_server_that_is_none(answer: bytes, code: int):
    # Goal: neither a foreign protocol nor a closed connection passes for a result.
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
                if answer:
                    connection.recv(4096)

        thread = threading.Thread(target=serve)
        thread.start()
        done = bench(listener.getsockname()[1], "-n", 1, "-c", 1)
        thread.join(harness.DEADLINE_SECONDS)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
