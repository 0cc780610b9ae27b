"""redis-benchmark works with the server as it is, and what it was given is what the ledger says."""

import re
import subprocess

import pytest

import harness

REQUESTS = 200_000


def run(server, *flags):
    """Runs redis-benchmark, which stops with an error at the first error reply; returns what it printed."""
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-q", *map(str, flags)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert not re.search(r"error|warning", output, re.IGNORECASE), output
    return output


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("resp3", [[], ["-3"]], ids=["RESP2", "RESP3"])
def test_a_burst_of_new_users_is_answered_whole(start, threads, resp3):
    # Goal: every request of a pipelined burst gets a code, and each code goes out once.
    # Method: random users, so that few come twice; new and repeated ones must add up to the requests.
    server = start("--threads", threads)
    harness.make_campaign(server, count=REQUESTS)
    before = server.info()
    output = run(
        server,
        "-n",
        REQUESTS,
        "-c",
        50,
        "-P",
        16,
        "-r",
        1_000_000_000,
        *resp3,
        "ALLOC",
        "summer",
        "u:__rand_int__",
    )
    assert "requests per second" in output
    after = server.info()
    given = after["allocations_given"] - before["allocations_given"]
    repeated = after["allocations_repeated"] - before["allocations_repeated"]
    assert given + repeated == REQUESTS
    assert given > REQUESTS * 0.99
    ledger = harness.ledger(server)
    assert (ledger["given"], ledger["uploaded"]) == (given, REQUESTS)


def test_group_commit_gathers_a_pipelined_burst(start):
    # Goal: frames are commits of many records. Method: records and frames as INFO counts them.
    server = start()
    harness.make_campaign(server, count=REQUESTS)
    run(server, "-n", 100_000, "-c", 50, "-P", 16, "-r", 1_000_000_000, "ALLOC", "summer", "u:__rand_int__")
    info = server.info()
    assert info["log_records"] >= 99_000
    assert info["log_records"] / info["log_frames"] > 16


def test_after_a_burst_everything_is_there_again(start):
    # Goal: the ledger survives a kill after the last reply. Method: burst, SIGKILL, start.
    server = start()
    harness.make_campaign(server, count=REQUESTS)
    run(server, "-n", 50_000, "-c", 50, "-P", 16, "-r", 1_000_000_000, "ALLOC", "summer", "u:__rand_int__")
    before = harness.ledger(server)
    server.kill()
    assert harness.ledger(start())["given"] == before["given"]


def test_its_own_tests_run(start):
    # Goal: the tests that redis-benchmark brings and that make sense here. Method: PING in both forms.
    assert run(start(), "-n", 20_000, "-c", 20, "-t", "ping").count("requests per second") == 2
