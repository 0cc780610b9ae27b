"""tearoffctl looks at a data directory and at a machine: what a server left there, and what runs there now."""

import json

import harness
from harness import content_of, offline_tool


def doctor(*words):
    """The exit code, and the state and the words of each check."""
    code, output, words = offline_tool("doctor", "--json", *words)
    findings = {finding["check"]: finding for finding in json.loads(output)}
    return code, findings, words


def test_what_a_killed_server_leaves_is_whole(start, directory):
    # Goal: a check says what the next start then does. Method: allocations, a snapshot, more of them, SIGKILL.
    server = start("--threads", 2)
    harness.make_campaign(server)
    with server.connect() as connection:
        harness.allocate_all(connection, "summer", [f"u{number}" for number in range(200)])
        assert connection.call_map("SNAPSHOT")[b"snapshot"] == 1
        harness.allocate_all(connection, "summer", [f"v{number}" for number in range(200)])
    server.kill()
    before = content_of(directory)
    code, output, words = offline_tool("verify", "--data", directory, "--json")
    assert code == 0, words
    report = json.loads(output)
    assert report["whole"] and report["starts"]
    june = next(line for line in report["lists"] if line["list"] == "june")
    assert (june["given"], june["free"]) == (400, 600)
    assert offline_tool("snapshot", "list", "--data", directory, "--check")[0] == 0
    assert content_of(directory) == before
    assert harness.ledger(start())["given"] == 400


def test_a_served_directory_is_not_checked_but_shown(server, directory):
    # Goal: 75 while a server has it; what only shows may run beside it. Method: a running server, then none.
    harness.make_campaign(server)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    server.call("SNAPSHOT")
    code, output, words = offline_tool("verify", "--data", directory)
    assert code == 75 and "in use by a server" in words and output == ""
    assert offline_tool("snapshot", "list", "--data", directory)[0] == 0
    code, output, _ = offline_tool("wal", "dump", "--data", directory, "--json")
    assert any(json.loads(line).get("user") == "u1" for line in output.splitlines())
    assert server.call("ALLOC", "summer", "u2") == b"C00000002"
    server.stop()
    assert offline_tool("verify", "--data", directory)[0] == 0


def test_the_doctor_finds_a_running_server_in_order(start, directory):
    # Goal: every check is there, and none of those that are up to us is a problem. Method: a server with few
    # connections, its directory on the project's disk.
    server = start("--max-connections", 64)
    code, findings, words = doctor("--server", f"127.0.0.1:{server.port}", "--data", directory)
    assert set(findings) == {
        "server", "connections", "log-writer", "log-flush", "log-segments", "server-clock", "descriptors",
        "memory", "directory", "file-system", "space", "direct-io", "disk-latency", "io-uring", "clock",
        "deliveries",
    }
    for check in ["server", "connections", "server-clock", "descriptors", "directory"]:
        assert findings[check]["state"] == "ok", findings[check]
    problems = [check for check, finding in findings.items() if finding["state"] == "problem"]
    assert code == (4 if problems else 0), words
    assert server.call("PING") == b"PONG"


def test_the_doctor_counts_descriptors(start):
    # Goal: a server serves no more connections than the system allows, and both count alike. Method: a million of them,
    # with 200 descriptors; the doctor agrees with what the server made of it.
    server = start("--max-connections", 1_000_000, "--threads", 1, under=["prlimit", "--nofile=200:200"])
    assert "connections=138" in server.wait_log("start.few-descriptors")
    code, findings, words = doctor("--server", f"127.0.0.1:{server.port}")
    assert findings["descriptors"]["found"].startswith("200 allowed, 200 needed"), words
    assert findings["descriptors"]["state"] == "ok" and code == 0, words


def test_the_doctor_says_that_a_server_is_down(directory):
    # Goal: exit 4, and what to do. Method: a port that nobody has.
    code, findings, words = doctor("--server", f"127.0.0.1:{harness.free_port()}")
    assert code == 4 and set(findings) == {"server"}
    assert findings["server"]["state"] == "problem" and "Start tearoffd" in findings["server"]["advice"]
    assert "1 problem" in words
