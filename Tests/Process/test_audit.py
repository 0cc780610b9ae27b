"""The audit trail on a real server: every command that changes something, as redis-cli and tearoffctl show it."""

import json
import subprocess

import harness
from harness import tool

# What an operator does in a day, with what the trail must say of it: act, object, before, after.
DAY = [
    (["LIST", "CREATE", "june", "UNIQUE"], ("june", None, "kind=unique expires=never warn=never")),
    (
        ["LIST", "CREATE", "ten-off", "FIXED", "S3CRET10", 5],
        ("ten-off", None, "kind=fixed code=*** limit=5 expires=never warn=never upload=1"),
    ),
    (["LIST", "SET", "june", "WARN", 9], ("june", "warn=never", "warn=9")),
    (
        ["CAMPAIGN", "CREATE", "summer", "LIST", "june", "RETURNS", "reuse"],
        ("summer", None, "list=june retrigger=window 24h returns=reuse"),
    ),
    (["CAMPAIGN", "SET", "summer", "RETRIGGER", "once"], ("summer", "retrigger=window 24h", "retrigger=once")),
    (["CAMPAIGN", "FINISH", "summer"], ("summer", "state=active", "state=finished reason=stopped")),
    (["SNAPSHOT"], (None, "snapshot=0", "snapshot=1")),
    (
        ["EXPORT", "BEGIN", "june", "FREE"],
        (
            "june",
            None,
            "selection=free columns=coupon-code,external-id,user-id,coupon-given-date,coupon-expiry-date",
        ),
    ),
]


def cli(server, *words):
    return subprocess.run(
        ["redis-cli", "-3", "--json", "-p", str(server.port), *map(str, words)], capture_output=True, timeout=30,
        check=True,
    ).stdout


def trail(server):
    return json.loads(cli(server, "AUDIT", "READ", "FROM", 1, "COUNT", 1000))


def test_every_act_is_told(start):
    # Goal: one record for each command, with all that an auditor asks; the same after a kill and a stop, and no code
    # in it. Method: a day's commands over one named connection, the trail by redis-cli and by the tool, on three
    # lives.
    server = start()
    with server.connect() as connection:
        connection.call("CLIENT", "SETNAME", "anna")
        port = connection.socket.getsockname()[1]
        for number, (command, _) in enumerate(DAY):
            connection.call(*command)
            if number == 0:
                harness.get_upload(connection, "june", b"BEARER-1\nBEARER-2\n")
            assert connection.call("AUDIT", "READ")[-1][1] == number + 2, "written before the reply"
    expected = [(" ".join(map(str, command[:1 if len(command) == 1 else 2])), *told) for command, told in DAY]
    expected.insert(1, ("LIST LOAD", "june", "uploaded=0", 'uploaded=2 upload=0 codes=2 file="codes.txt"'))
    records = trail(server)
    assert [tuple(record[key] for key in ("act", "object", "before", "after")) for record in records] == expected
    assert [record["number"] for record in records] == list(range(1, len(expected) + 1))
    assert {(record["user"], record["client"], record["address"]) for record in records} == {
        ("default", "anna", f"127.0.0.1:{port}")
    }
    assert records[0]["previous"] == "00" * 32
    assert [record["previous"] for record in records[1:]] == [record["hash"] for record in records[:-1]]
    server.kill()
    server = start()
    assert trail(server) == records
    assert json.loads(tool(server, "audit", "--json").stdout) == records
    table = tool(server, "audit", "--from", 3, "--count", 2).stdout
    assert [line.split()[0] for line in table.splitlines()] == ["NUMBER", "3", "4"]
    assert not any(secret in json.dumps(records) + table for secret in ("S3CRET", "BEARER"))
    checked = tool(server, "audit", "--check", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["hash"] == records[-1]["hash"]
    assert tool(server, "shutdown", "--yes").returncode == 0
    assert server.wait_exit() == 0
    server = start()
    assert [record["act"] for record in trail(server)] == [record["act"] for record in records] + ["SHUTDOWN"]


def test_a_chunk_that_was_tampered_with_is_found(start, directory):
    # Goal: who changes a file of the trail below a running server is found by the check, and no start comes of it.
    # Method: more acts than a chunk has, two snapshots, then one byte of the chunk.
    server = start()
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        before = set((directory / "blobs").iterdir())
        connection.send_bytes(harness.encode("LIST", "SET", "june", "WARN", 7) * 1_100)
        assert {connection.read() for _ in range(1_100)} == {b"OK"}
        for _ in range(2):
            connection.call("SNAPSHOT")
        assert connection.call("AUDIT", "READ", "FROM", 1, "COUNT", 1)[0][1] == 1
    assert tool(server, "audit", "--check").returncode == 0
    chunks = [path for path in (directory / "blobs").iterdir() if path not in before]
    assert len(chunks) == 1
    data = bytearray(chunks[0].read_bytes())
    data[len(data) // 2] ^= 1
    chunks[0].write_bytes(data)
    checked = tool(server, "audit", "--check")
    assert checked.returncode == 65
    assert "broken at record 1:" in checked.stderr and chunks[0].name in checked.stdout
    assert tool(server, "audit", "--from", 1).returncode == 1
    assert tool(server, "audit", "--count", 10).returncode == 0
    server.kill()
    code, said = harness.exit_of(directory=directory)
    assert code != 0 and "audit trail" in said and chunks[0].name in said


def test_a_file_name_passes_for_no_other_field(server):
    # Goal: nobody forges what the trail tells. Method: a file's name with quotation marks and a backslash.
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        upload = connection.call("LIST", "LOAD", "june", "BEGIN", 'a" withdrawn=3 b="\\')
        connection.call("LIST", "LOAD", "june", "CHUNK", upload, b"C1\n")
        connection.call("LIST", "LOAD", "june", "COMMIT", upload)
        act = harness.as_map(connection.call("AUDIT", "READ")[-1])
        assert act[b"after"].endswith(b'codes=1 file="a\\" withdrawn=3 b=\\"\\\\"')
