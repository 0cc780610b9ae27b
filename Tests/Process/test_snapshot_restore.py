"""Another data directory of one snapshot: no code that was given behind it is given again, whatever the log says."""

import json
import shutil

import pytest

import harness
from harness import content_of, offline_tool


@pytest.fixture
def target():
    """A path for the directory that is made; nothing is there yet."""
    return harness.new_directory()


@pytest.fixture
def stopped(start):
    """A killed server's directory with a snapshot of 20 given codes, and 30 more behind it."""
    server = start()
    harness.make_campaign(server, count=100)
    with server.connect() as connection:
        harness.allocate_all(connection, "summer", [f"u{number}" for number in range(20)])
        assert connection.call_map("SNAPSHOT")[b"snapshot"] == 1
        server.later = harness.allocate_all(connection, "summer", [f"v{number}" for number in range(30)])
    server.kill()
    return server


def test_what_the_log_tells_is_burned_however_little_was_asked_for(start, stopped, target):
    # Goal: --burn 1 gives none of the 30 codes again, and the old directory stays as it is. Method: the restored
    # server is drained; the audit trail tells where it came from.
    before = content_of(stopped.directory)
    code, output, words = offline_tool(
        "snapshot", "restore", 1, "--data", stopped.directory, "--to", target, "--burn", 1, "--json"
    )
    assert code == 0, words
    assert "30 codes that were given or held" in words
    june = next(line for line in json.loads(output) if line["list"] == "june")
    assert (june["given"], june["burned"], june["free"]) == (20, 30, 50)
    assert content_of(stopped.directory) == before
    assert offline_tool("verify", "--data", target)[0] == 0
    again = start("--expect-data", on=target)
    with again.connect() as connection:
        assert connection.call("ALLOC", "summer", "u0") == b"C00000001"
        fresh = harness.allocate_all(connection, "summer", [f"w{number}" for number in range(50)])
        assert connection.error_of("ALLOC", "summer", "one-more") == "EXHAUSTED"
        trail = [harness.as_map(entry) for entry in connection.call("AUDIT", "READ")]
    assert len(set(fresh)) == 50 and set(fresh).isdisjoint(stopped.later)
    restore = next(entry for entry in trail if entry[b"act"] == b"RESTORE")
    assert restore[b"before"].startswith(b'data="' + str(stopped.directory).encode())
    assert restore[b"client"] == b"tearoffctl snapshot restore"


@pytest.mark.parametrize("way", ["replaced", "withdrawn"])
def test_codes_that_came_back_in_another_file_are_burned(start, target, way):
    # Goal: a code that was given under an upload that the snapshot does not know is not free again under the one that
    # it knows. Method: the list's file is replaced, or withdrawn and loaded again, in another order; one code is given.
    server = start()
    harness.make_campaign(server, count=100)
    with server.connect() as connection:
        assert connection.call_map("SNAPSHOT")[b"snapshot"] == 1
        backwards = b"".join(b"C%08d\n" % number for number in range(100, 0, -1))
        if way == "withdrawn":
            connection.call("LIST", "UNDO", "june", 0)
        options = ["REPLACE"] if way == "replaced" else []
        assert harness.get_upload(connection, "june", backwards, *options)[b"status"] == b"loaded"
        if way == "withdrawn":
            connection.call("CAMPAIGN", "RESUME", "summer")
        assert connection.call("ALLOC", "summer", "late") == b"C00000100"
    server.kill()
    code, _, words = offline_tool("snapshot", "restore", 1, "--data", server.directory, "--to", target, "--burn", 1)
    assert code == 0, words
    with start("--expect-data", on=target).connect() as connection:
        assert connection.error_of("ALLOC", "summer", "new") == "EXHAUSTED"
        assert connection.call_map("LIST", "INFO", "june")[b"burned"] == 100


@pytest.mark.parametrize("damage", ["lost", "cut"])
def test_a_log_that_cannot_be_read_does_not_matter(start, stopped, target, damage):
    # Goal: this is the way out where a start is refused. Method: no log at all, and that of the loops away.
    segments = sorted((stopped.directory / "wal").glob("*.wal"))
    for segment in segments:
        if damage == "lost" or not segment.name.startswith("control-"):
            segment.unlink()
    assert harness.exit_of(directory=stopped.directory)[0] == 65
    code, _, words = offline_tool("snapshot", "restore", 1, "--data", stopped.directory, "--to", target, "--burn", 40)
    assert code == 0 and "cannot be read whole" in words, words
    with start(on=target).connect() as connection:
        assert connection.call("ALLOC", "summer", "w") == b"C00000061"


def test_what_cannot_be_is_refused(start, stopped, target):
    # Goal: each exit code, and nothing is made or changed. Method: a table.
    data = stopped.directory
    before = content_of(data)

    def refused(code, text, *words):
        found, output, said = offline_tool("snapshot", "restore", *words)
        assert (found, output) == (code, ""), said
        assert text in said
        assert not target.exists() and content_of(data) == before

    refused(64, "--burn", 1, "--data", data, "--to", target)
    refused(64, "--burn", 1, "--data", data, "--to", target, "--burn", 0)
    refused(64, "codes were given after", 1, "--data", data, "--to", target, "--nothing-was-given-since")
    refused(64, "lies in", 1, "--data", data, "--to", data / "new", "--burn", 5)
    refused(74, "no snapshot 7", 7, "--data", data, "--to", target, "--burn", 5)
    refused(74, "missing or empty", 1, "--data", target, "--to", target, "--burn", 5)
    refused(74, "new or an empty", 1, "--data", data, "--to", data, "--burn", 5)
    with start():
        refused_in_use = offline_tool("snapshot", "restore", 1, "--data", data, "--to", target, "--burn", 5)
    assert refused_in_use[0] == 75 and "in use" in refused_in_use[2] and not target.exists()


def test_every_damaged_file_of_a_snapshot_is_named(stopped, target):
    # Goal: nothing is made of a snapshot that is not whole. Method: its manifest and each blob in turn, a byte
    # changed.
    data = stopped.directory
    files = [*(data / "snapshots").iterdir(), *(data / "blobs").iterdir()]
    assert len(files) >= 3
    for path in files:
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        code, _, words = offline_tool("snapshot", "restore", 1, "--data", data, "--to", target, "--burn", 5)
        assert code == 3 and path.name in words, words
        assert not target.exists()
        path.write_bytes(content)
    shutil.rmtree(data / "wal")
    assert offline_tool("snapshot", "restore", 1, "--data", data, "--to", target, "--burn", 5)[0] == 0
