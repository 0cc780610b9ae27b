"""Exports over the socket and with the admin tool: whole, consistent under load, safe, bounded."""

import csv
import io
import json
import os
import signal
import subprocess

import harness
from load import Load


def export(connection, *words):
    """All bytes of an export, and its ticket."""
    ticket = connection.call_map("EXPORT", "BEGIN", *words)
    pieces = []
    while piece := connection.call("EXPORT", "READ", ticket[b"export"]):
        pieces.append(piece)
    return b"".join(pieces).decode(), ticket


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def tool(server, *words):
    done = subprocess.run(
        [str(word) for word in [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"]],
        capture_output=True, timeout=harness.DEADLINE_SECONDS,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_an_export_has_every_code_once_in_its_state(server):
    # Goal: what an export says is what the server says. Method: users of every kind of spelling; each row against
    # CODE FIND and USER HISTORY, the counts against the ledger.
    harness.make_campaign(server, count=200)
    users = ["=HYPERLINK(1)", "a,b", 'q"uote', "line\nbreak", "ümlaut", *(f"user-{number}" for number in range(60))]
    with server.connect() as connection:
        for number, user in enumerate(users):
            connection.call("ALLOC", "summer", user, *(["USERID", f"crm-{number}"] if number % 2 else []))
        connection.call("HOLD", "summer", "holder", "FOR", "1h")
        connection.call("HOLD", "summer", "gone", "FOR", "1h")
        connection.call("RELEASE", "summer", "gone")
        columns = "coupon-code,external-id,user-id,coupon-given-date,campaign,status"
        text, _ = export(connection, "june", "ALL", "COLUMNS", columns)
        found = rows(text)
        assert len(found) == 200 and len({row["coupon code"] for row in found}) == 200
        assert {row["external id"].removeprefix("'") for row in found} == {*users, "holder", "gone", ""}
        for row in found:
            place = harness.as_map(connection.call("CODE", "FIND", row["coupon code"])[0])
            assert place[b"state"].decode() == row["status"]
            if row["status"] == "given":
                assert place[b"user"].decode() == row["external id"].removeprefix("'")
                assert (place[b"user-id"] or b"").decode() == row["user id"]
                assert place[b"given-at"].decode() == row["coupon given date"]
        ledger = harness.ledger(server)
        for status in ("given", "held", "burned", "free"):
            assert sum(row["status"] == status for row in found) == ledger[status], status
        lines = export(connection, "june", "FORMAT", "jsonl", "COLUMNS", "external-id,coupon-expiry-date")[0]
        objects = [json.loads(line) for line in lines.splitlines()]
        assert sorted(each["external-id"] for each in objects) == sorted(users)
        assert all(each["coupon-expiry-date"] is None for each in objects)


def test_an_exported_file_is_its_owners(server, tmp_path):
    # Goal: codes in a file are for nobody else on the machine. Method: the mode under a lax umask.
    harness.make_campaign(server)
    path = tmp_path / "june.csv"
    umask = os.umask(0)
    try:
        assert tool(server, "export", "june", "--out", path)[0] == 0
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_others_have_put_in_an_exports_way_is_neither_written_nor_kept(server, tmp_path):
    # Goal: where others may write, an export writes no file of theirs and leaves them no way to read along. Method:
    # under the name that it has meanwhile a link to another file, and a file that is open to all.
    harness.make_campaign(server)
    path, meanwhile, other = (tmp_path / name for name in ["june.csv", "june.csv.part", "other"])
    other.write_text("mine")
    meanwhile.symlink_to(other)
    assert tool(server, "export", "june", "--out", path)[0] == 0
    assert other.read_text() == "mine" and not path.is_symlink()
    path.unlink()
    meanwhile.write_text("")
    meanwhile.chmod(0o666)
    with meanwhile.open(encoding="utf-8") as reader:
        assert tool(server, "export", "june", "--out", path)[0] == 0
        assert reader.read() == "" and path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_exported_is_refused(server):
    # Goal: each mistake has its word, and costs no export. Method: all of them, then as many as there may be.
    harness.make_campaign(server, count=10)
    with server.connect() as connection, server.connect() as other:
        assert connection.error_of("EXPORT", "BEGIN", "nosuch") == "NOLIST"
        assert connection.error_of("EXPORT", "BEGIN", "june", "CAMPAIGN", "nosuch") == "NOCAMPAIGN"
        for words in (["AFTER", "soon"], ["SINCE", "zz"], ["COLUMNS", "code"], ["COLUMNS", "status,status"]):
            assert connection.error_of("EXPORT", "BEGIN", "june", *words) == "SYNTAX", words
        assert connection.error_of("EXPORT", "READ", 1) == "NOEXPORT"
        ids = [connection.call_map("EXPORT", "BEGIN", "june")[b"export"] for _ in range(8)]
        assert other.error_of("EXPORT", "BEGIN", "june") == "BUSY"
        assert other.error_of("EXPORT", "READ", ids[0]) == "NOEXPORT", "another connection's"
        assert connection.call("EXPORT", "END", ids[0]) == b"OK"
        assert connection.error_of("EXPORT", "END", ids[0]) == "NOEXPORT"
        other.call("EXPORT", "BEGIN", "june")
        connection.close()
        harness.wait_until(lambda: not other_is_busy(other), "a closed connection keeps its exports")


def other_is_busy(connection):
    connection.send("EXPORT", "BEGIN", "june")
    reply = connection.read()
    return isinstance(reply, harness.ErrorReply) and reply.word == "BUSY"


def test_exports_under_load_are_consistent_and_add_up(start):
    # Goal: an export taken while codes are given shows one instant: every code once, and no more of them given than
    # later ones say; exports since each other add up to the whole. Method: a load on two loops, five exports
    # meanwhile.
    server = start("--threads", 2)
    harness.make_campaign(server, count=60_000)
    parts, cursor = [], []
    with Load(server.port, seed="export", connections=4, depth=16, campaigns=["summer"]) as load:
        with server.connect() as connection:
            for number in range(5):
                load.wait_acknowledged(2_000 * (number + 1))
                everything = rows(export(connection, "june", "ALL", "COLUMNS", "coupon-code,status")[0])
                assert len(everything) == 60_000 == len({row["coupon code"] for row in everything})
                text, ticket = export(connection, "june", *cursor)
                parts.append(rows(text))
                cursor = ["SINCE", ticket[b"cursor"].decode()]
        load.finish()
    server.kill()
    server = start("--threads", 1)
    with server.connect() as connection:
        parts.append(rows(export(connection, "june", *cursor)[0]))
        whole = rows(export(connection, "june")[0])
    together = [row["coupon code"] for part in parts for row in part]
    assert len(together) == len(set(together))
    assert set(together) == {row["coupon code"] for row in whole}
    # How many of the others have something depends on which is quicker, the load or the exports.
    assert parts[0] and sum(len(part) for part in parts) == len(whole)
    owners = {row["external id"]: row["coupon code"].encode() for row in whole}
    assert all(owners[user] == code for (_, user), code in load.acknowledged.items())


def test_the_tool_writes_a_file_whole_or_not_at_all(server, tmp_path):
    # Goal: the file that --out names is never half an export. Method: a good one, one again over it, one that fails.
    harness.make_campaign(server, count=100)
    with server.connect() as connection:
        for number in range(30):
            connection.call("ALLOC", "summer", f"u{number}")
    path = tmp_path / "given.csv"
    code, out, words = tool(server, "export", "june", "--out", path)
    assert (code, out) == (0, "") and words.startswith("30 rows as of ")
    assert len(rows(path.read_bytes().decode())) == 30
    cursor = words.split("--since ")[1].strip()
    assert tool(server, "export", "june", "--since", cursor, "--out", path)[0] == 0
    assert rows(path.read_bytes().decode()) == []
    code, out, words = tool(server, "export", "nosuch", "--out", path)
    assert code == 1 and "NOLIST" in words and rows(path.read_bytes().decode()) == []
    assert tool(server, "export", "june", "--out", tmp_path / "no" / "such")[0] == 74
    assert tool(server, "export", "june", "--given", "--free")[0] == 64
    assert os.listdir(tmp_path) == ["given.csv"]
    code, out, _ = tool(server, "export", "june", "--free", "--columns", "coupon-code", "--format", "jsonl")
    assert code == 0 and len(out.splitlines()) == 70


def test_the_tool_writes_into_a_pipe_and_leaves_it_one(server, tmp_path):
    # Goal: --out with a pipe or a device writes into it, and never puts a file in its place. Method: a named pipe.
    harness.make_campaign(server, count=100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        try:
            assert tool(server, "export", "june", "--all", "--out", pipe)[0] == 0
            text = reader.communicate(timeout=harness.DEADLINE_SECONDS)[0].decode()
        finally:
            reader.kill()
    assert len(rows(text)) == 100
    assert pipe.is_fifo() and os.listdir(tmp_path) == ["pipe"]


def test_a_reader_that_is_away_costs_nothing_but_memory(server):
    # Goal: an export that nobody reads hinders nobody, and goes with its server. Method: one begun and left,
    # allocations meanwhile, a clean stop.
    harness.make_campaign(server, count=1_000)
    with server.connect() as reader, server.connect() as connection:
        connection.call("ALLOC", "summer", "early")
        ticket = reader.call_map("EXPORT", "BEGIN", "june")
        for number in range(500):
            connection.call("ALLOC", "summer", f"u{number}")
        assert len(rows(reader.call("EXPORT", "READ", ticket[b"export"]).decode())) == 1
        reader.call("EXPORT", "BEGIN", "june")
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
