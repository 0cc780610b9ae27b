"""What a list was loaded from (LIST UPLOADS), and what a file would come to (COMMIT ... DRYRUN), on a real server."""

import hashlib
import json
import re
import subprocess

import pytest

import harness
from harness import as_map, get_upload

FIGURES = [b"codes", b"free", b"held", b"given", b"burned"]
ADDENDS = [*FIGURES[1:], b"withdrawn"]


def uploads(connection, name="june", *options):
    return [as_map(row) for row in connection.call("LIST", "UPLOADS", name, *options)]


def figures(connection, name="june"):
    """Of each upload: codes, free, held, given, burned; checks that they and those that are withdrawn add up, to the
    list's ledger, too."""
    rows = uploads(connection, name)
    for row in rows:
        assert row[b"codes"] == sum(row[figure] for figure in ADDENDS), row
    info = connection.call_map("LIST", "INFO", name)
    for figure in [b"codes", *ADDENDS]:
        whole = info[b"uploaded" if figure == b"codes" else figure]
        assert sum(row[figure] for row in rows) == whole, (figure, rows, info)
    return [[row[figure] for figure in FIGURES] for row in rows]


def dry_run(connection, data, *options, name="june"):
    """Sends a file and asks what would come of it; returns the upload's number and the report."""
    upload = connection.call("LIST", "LOAD", name, "BEGIN", "codes.txt")
    connection.call("LIST", "LOAD", name, "CHUNK", upload, data)
    return upload, connection.call_map("LIST", "LOAD", name, "COMMIT", upload, *options, "DRYRUN")


def tool(server, *words):
    words = [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"]
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=60)


def test_a_file_is_told_as_it_was_sent(server, connection):
    # Goal: name, hash, count and time are those of the file. Method: files with and without a name, with a BOM and
    # with a line that is left out, against sha256 of the very bytes; the server's clock against ours is not compared.
    assert uploads(connection) == []
    named = b"\xef\xbb\xbfA1\r\n\r\nA2\r\n"
    get_upload(connection, "june", named)
    upload = connection.call("LIST", "LOAD", "june", "BEGIN")
    mixed = b"B1\nwith blank\nB2\nB3"
    for start in range(0, len(mixed), 4):
        connection.call("LIST", "LOAD", "june", "CHUNK", upload, mixed[start : start + 4])
    committed = connection.call_map("LIST", "LOAD", "june", "COMMIT", upload, "SKIPBAD")
    first, second = uploads(connection)
    assert (first[b"file"], first[b"codes"]) == (b"codes.txt", 2)
    assert (second[b"file"], second[b"codes"]) == (None, 3)
    assert [row[b"hash"].decode() for row in (first, second)] == [
        hashlib.sha256(data).hexdigest() for data in (named, mixed)
    ]
    assert second[b"upload"] == committed[b"upload"]
    assert as_map(connection.call("CODE", "FIND", "B2")[0])[b"upload"] == second[b"upload"]
    assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first[b"committed-at"])
    assert first[b"committed-at"] <= second[b"committed-at"]


def test_a_file_tells_who_sent_it_and_what_was_left_out(start, server, connection):
    # Goal: who, from where, and how many lines of each kind, also after a restart, and with the tool. Method: a named
    # connection; a file with a blank, a comma and a code twice; null for a fixed list.
    connection.call("CLIENT", "SETNAME", "loader")
    upload = connection.call("LIST", "LOAD", "june", "BEGIN", "codes.txt")
    connection.call("LIST", "LOAD", "june", "CHUNK", upload, b"A1\n\nA,2\nA1\nA3\n")
    report = connection.call_map("LIST", "LOAD", "june", "COMMIT", upload, "SKIPBAD")
    address = dict(pair.split(b"=", 1) for pair in connection.call("CLIENT", "INFO").split())[b"addr"]
    connection.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 3)
    (row,) = uploads(connection)
    assert (row[b"user"], row[b"client"], row[b"address"]) == (b"default", b"loader", address)
    kinds = [key for key in report if key not in (b"status", b"upload", b"codes")]
    assert {key: row[key] for key in kinds} == {key: report[key] for key in kinds}
    assert (row[b"bad"], row[b"comma"], row[b"duplicate-in-file"], row[b"blank"]) == (2, 1, 1, 1)
    (fixed,) = uploads(connection, "ten-off")
    assert {fixed[key] for key in [b"user", b"client", b"address", *kinds]} == {None}
    server.stop()
    again = start()
    with again.connect() as reader:
        assert uploads(reader) == [row]
    shown = json.loads(tool(again, "list", "uploads", "june", "--json").stdout)
    assert (shown[0]["user"], shown[0]["bad"], shown[0]["comma"]) == ("default", 2, 1)


def test_a_code_of_another_list(server, connection, tmp_path):
    # Goal: refused or taken as the list says, told with the other list's name, which may have changed. Method: one
    # code of another list among others, over the protocol and with the tool.
    connection.call("LIST", "CREATE", "july", "UNIQUE")
    get_upload(connection, "june", b"A1\nA2\n")
    assert connection.call_map("LIST", "INFO", "july")[b"other-lists"] == b"allow"
    assert connection.call("LIST", "SET", "july", "OTHERLISTS", "refuse") == b"OK"
    assert connection.call_map("LIST", "INFO", "july")[b"other-lists"] == b"refuse"
    upload, report = dry_run(connection, b"B1\nA2\n", name="july")
    assert (report[b"status"], report[b"in-other-list"], report[b"bad"]) == (b"refused", 1, 1)
    errors = connection.call("LIST", "LOAD", "july", "ERRORS", upload, 0, 10)
    assert errors == [[2, b"the code is in list 'june'"]]
    connection.call("LIST", "SET", "june", "NAME", "may")
    assert connection.call("LIST", "LOAD", "july", "ERRORS", upload, 0, 10)[0][1] == b"the code is in list 'may'"

    path = tmp_path / "july.txt"
    path.write_text("B1\nA2\n")
    refused = tool(server, "list", "load", "july", path)
    assert refused.returncode == 2 and b"the code is in list 'may'" in refused.stderr
    assert tool(server, "list", "set", "july", "--other-lists", "allow").returncode == 0
    assert tool(server, "list", "load", "july", path).returncode == 0
    assert sorted(as_map(place)[b"list"] for place in connection.call("CODE", "FIND", "A2")) == [b"july", b"may"]


def test_a_fixed_list_has_its_own_code(server, connection):
    # Goal: one upload without a file, with the limit as its codes. Method: a limit of 3, one of them given.
    connection.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 3)
    connection.call("CAMPAIGN", "CREATE", "ten", "LIST", "ten-off")
    connection.call("ALLOC", "ten", "u1")
    (row,) = uploads(connection, "ten-off")
    assert (row[b"file"], row[b"hash"]) == (None, None)
    assert [row[figure] for figure in FIGURES] == [3, 2, 0, 1, 0]


def test_a_history_is_read_in_pages(server, connection):
    # Goal: pages join without a gap or an overlap, and nothing of another list is among them. Method: 25 uploads in
    # turn with those of another list; pages of every size up to all, FROM one more than the last id.
    connection.call("LIST", "CREATE", "july", "UNIQUE")
    made = []
    for number in range(25):
        made.append(get_upload(connection, "june", b"J%d\n" % number)[b"upload"])
        get_upload(connection, "july", b"J%d\n" % number)
    assert [row[b"upload"] for row in uploads(connection)] == made
    for size in [1, 2, 7, 24, 25, 26, 1_000]:
        read = []
        while True:
            start = ["FROM", read[-1] + 1] if read else []
            page = uploads(connection, "june", "COUNT", size, *start)
            read += [row[b"upload"] for row in page]
            if len(page) < size:
                break
        assert read == made
    for position, upload in enumerate(made):
        assert [row[b"upload"] for row in uploads(connection, "june", "FROM", upload)] == made[position:]
    assert uploads(connection, "june", "FROM", made[-1] + 1) == []
    assert uploads(connection, "june", "FROM", 2**63 - 1) == []
    done = tool(server, "list", "uploads", "june", "--json")
    assert [row["upload"] for row in json.loads(done.stdout)] == made


@pytest.mark.parametrize(
    "words, error",
    [
        (["nosuch"], "NOLIST"),
        (["june", "COUNT", "0"], "SYNTAX"),
        (["june", "COUNT", "1001"], "SYNTAX"),
        (["june", "FROM"], "SYNTAX"),
        (["june", "FROM", "x"], "SYNTAX"),
        (["june", "FROM", "1", "FROM", "2"], "SYNTAX"),
        (["june", "SINCE", "1"], "SYNTAX"),
    ],
)
def test_what_cannot_be_told_is_an_error(connection, words, error):
    # Goal: the errors of the manual. Method: one of each.
    assert connection.error_of("LIST", "UPLOADS", *words) == error


def test_figures_follow_each_code_and_survive_crashes(start):
    # Goal: every figure is of its own upload, behind each command, after SIGKILL and a snapshot. Method: files of 3
    # and 4 codes; codes are given in upload order, so what each command takes is known.
    server = start()
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june")
        connection.call("CAMPAIGN", "CREATE", "again", "LIST", "june", "RETURNS", "reuse")
        get_upload(connection, "june", b"A1\nA2\nA3\n")
        get_upload(connection, "june", b"B1\nB2\nB3\nB4\n")
        assert figures(connection) == [[3, 3, 0, 0, 0], [4, 4, 0, 0, 0]]
        assert connection.call("ALLOC", "summer", "u1") == b"A1"
        assert figures(connection) == [[3, 2, 0, 1, 0], [4, 4, 0, 0, 0]]
        assert connection.call("HOLD", "summer", "u2", "FOR", "1h") == b"A2"
        assert figures(connection) == [[3, 1, 1, 1, 0], [4, 4, 0, 0, 0]]
        assert connection.call("HOLD", "summer", "u3", "FOR", "1h") == b"A3"
        assert connection.call("RELEASE", "summer", "u3") == b"OK"
        assert figures(connection) == [[3, 0, 1, 1, 1], [4, 4, 0, 0, 0]]
        assert connection.call("HOLD", "again", "u4", "FOR", "1h") == b"B1"
        assert figures(connection) == [[3, 0, 1, 1, 1], [4, 3, 1, 0, 0]]
        assert connection.call("RELEASE", "again", "u4") == b"OK"
        assert figures(connection) == [[3, 0, 1, 1, 1], [4, 4, 0, 0, 0]]
        assert connection.call("CONFIRM", "summer", "u2") == b"OK"
        before = uploads(connection)
    expected = [[3, 0, 0, 2, 1], [4, 4, 0, 0, 0]]
    server.kill()
    again = start()
    with again.connect() as connection:
        assert figures(connection) == expected and uploads(connection) == before
        again.call("SNAPSHOT")
        # The code that went back is given again, and counts where it always has.
        assert connection.call("ALLOC", "summer", "u5") == b"B1"
        expected[1] = [4, 3, 0, 1, 0]
        assert figures(connection) == expected
    again.kill()
    with start().connect() as connection:
        assert figures(connection) == expected
        assert [row[b"hash"] for row in uploads(connection)] == [row[b"hash"] for row in before]


def test_figures_add_up_while_codes_are_given(server, connection):
    # Goal: the figures are of one instant. Method: looks while another connection's pipeline takes 3,000 codes of
    # three uploads; codes go out in upload order, so an upload has free codes only when all later ones are whole.
    for prefix in "XYZ":
        get_upload(connection, "june", harness.codes(1_000, prefix))

    def all_are_given():
        rows = uploads(connection)
        given = [row[b"given"] for row in rows]
        assert all(row[b"free"] + row[b"given"] == 1_000 for row in rows), rows
        for earlier, later in zip(given, given[1:]):
            assert later == 0 or earlier == 1_000, given
        return sum(given) == 3_000

    with server.connect() as client:
        client.send_bytes(b"".join(harness.encode("ALLOC", "summer", f"u{number}") for number in range(3_000)))
        harness.wait_until(all_are_given, "all codes are given")
        assert len({client.read() for _ in range(3_000)}) == 3_000


# MARK: - Undoing

def test_an_upload_can_be_undone(start, tmp_path):
    # Goal: its free codes go, what users have stays, and that is told. Method: a wrong file, of which two codes are
    # given; the tool undoes it and writes who has them; SIGKILL and a snapshot behind; the right file then.
    server = start()
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june")
        get_upload(connection, "june", b"A1\n")
        wrong = get_upload(connection, "june", b"W1\nW2\nW3\nW4\n")[b"upload"]
        assert [connection.call("ALLOC", "summer", f"u{number}") for number in range(3)] == [b"A1", b"W1", b"W2"]
        assert connection.error_of("LIST", "UNDO", "june", wrong + 1) == "NOUPLOAD"
        assert connection.error_of("EXPORT", "BEGIN", "june", "UPLOAD", wrong + 1) == "NOUPLOAD"
        given = tmp_path / "given.csv"
        done = tool(server, "list", "undo", "june", wrong, "--yes", "--given", given, "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["withdrawn"], told["given"], told["free"]) == (0, 2, 2, 0)
        rows = [line.split(",")[:2] for line in given.read_text().splitlines()[1:]]
        assert sorted(rows) == [["W1", "u1"], ["W2", "u2"]]
        assert connection.error_of("ALLOC", "summer", "u3") == "EXHAUSTED"
        assert connection.call("ALLOC", "summer", "u1") == b"W1"
        again = [as_map(row) for row in connection.call("LIST", "UNDO", "june", wrong)]
        assert again == uploads(connection, "june", "FROM", wrong), "a second time changes nothing"
    server.kill()
    server = start()
    with server.connect() as connection:
        assert figures(connection) == [[1, 0, 0, 1, 0], [4, 0, 0, 2, 0]]
        server.call("SNAPSHOT")
        refused = get_upload(connection, "june", b"W2\nW3\nR1\n")
        assert (refused[b"status"], refused[b"duplicate-in-list"]) == (b"refused", 1)
        get_upload(connection, "june", b"W3\nR1\n")
        harness.wait_until(
            lambda: connection.call_map("CAMPAIGN", "INFO", "summer")[b"state"] == b"finished", "it has finished")
        connection.call("CAMPAIGN", "RESUME", "summer")
        assert [connection.call("ALLOC", "summer", f"u{number}") for number in range(5)] == [
            b"A1", b"W1", b"W2", b"W3", b"R1"
        ]
    server.kill()
    with start().connect() as connection:
        assert figures(connection) == [[1, 0, 0, 1, 0], [4, 0, 0, 2, 0], [2, 0, 0, 2, 0]]
        states = [as_map(row)[b"state"] for row in connection.call("CODE", "FIND", "W4")]
        assert states == [b"withdrawn"]


# MARK: - Dry runs


def trace(server, connection):
    """All that a dry run must leave alone."""
    return (
        harness.content_of(server.directory),
        connection.call("LIST", "INFO", "june"),
        connection.call("LIST", "UPLOADS", "june"),
    )


@pytest.fixture
def loaded(server, connection):
    """Three codes are in the list, one of which is given; nothing else is written until something is asked for."""
    get_upload(connection, "june", b"OLD1\nOLD2\nOLD3\n")
    connection.call("ALLOC", "summer", "u1")
    harness.wait_until(lambda: told(connection) == b"given", "the feed has told it")
    looks = [None]
    harness.wait_until(lambda: is_still(server.directory, looks), "nothing is made in the background")
    return connection


def told(connection):
    """The latest event of the feed; nil while it is being read."""
    connection.send("FEED", "READ", 1)
    reply = connection.read()
    if isinstance(reply, harness.ErrorReply):
        return None
    events = as_map(reply)[b"events"]
    return as_map(events[-1])[b"event"] if events else None


def is_still(directory, looks):
    """Whether all of 20 looks in a row saw the same: seals, segments and the feed's book follow what was given."""
    content = harness.content_of(directory)
    looks[:] = [*looks[-19:], content] if looks[-1] == content else [content]
    return len(looks) == 20 and not list(directory.rglob("*.tmp"))


CASES = [
    pytest.param(b"A\nB\n", [], b"loaded", id="good"),
    pytest.param(b"A\nOLD1\nx y\nA\n", [], b"refused", id="bad"),
    pytest.param(b"A\nOLD1\nx y\nA\n", ["SKIPBAD"], b"loaded", id="bad-left-out"),
    pytest.param(b"OLD1\nx y\n", ["SKIPBAD"], b"refused", id="no-good-line"),
    pytest.param(b"\n\n", [], b"refused", id="empty"),
    pytest.param(b"OLD1\nOLD2\nOLD3\n", [], b"unchanged", id="the-same-file"),
]


@pytest.mark.parametrize("data, options, status", CASES)
def test_a_dry_run_reports_what_the_commit_does_and_keeps_nothing(server, loaded, data, options, status):
    # Goal: the report is the commit's, but for the id; blobs, log, ledger and history are as before. Method: the
    # directory's content around the dry run, then the same for good.
    before = trace(server, loaded)
    blobs = sorted((server.directory / "blobs").iterdir())
    upload, tried = dry_run(loaded, data, *options)
    assert tried[b"status"] == status and tried[b"upload"] is None
    assert sorted((server.directory / "blobs").iterdir()) == blobs
    assert trace(server, loaded) == before

    # Its bad lines can be asked for as behind a commit; nothing else can follow.
    if tried[b"bad"]:
        told = loaded.call("LIST", "LOAD", "june", "ERRORS", upload, 0, 100)
        assert len(told) == tried[b"bad"] and all(reason for _, reason in told)
    assert loaded.error_of("LIST", "LOAD", "june", "COMMIT", upload) == "NOUPLOAD"

    made = get_upload(loaded, "june", data, *options)
    assert {**made, b"upload": None} == tried
    assert len(uploads(loaded)) == (2 if status == b"loaded" else 1)
    assert (made[b"upload"] is None) == (status == b"refused")


def test_a_dry_run_survives_nothing(start):
    # Goal: a crash behind a dry run has nothing to bring back, and the file can be loaded then. Method: SIGKILL.
    server = start()
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        assert dry_run(connection, harness.codes(10_000))[1][b"status"] == b"loaded"
    server.kill()
    with start().connect() as connection:
        assert uploads(connection) == []
        assert get_upload(connection, "june", harness.codes(10_000))[b"status"] == b"loaded"
        assert dry_run(connection, harness.codes(10_000))[1][b"status"] == b"unchanged"


def test_a_list_that_takes_no_file_takes_no_dry_run(connection):
    # Goal: what does not fit the list is refused as without DRYRUN. Method: a fixed list, none, another's upload.
    connection.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 3)
    assert connection.error_of("LIST", "LOAD", "ten-off", "BEGIN") == "SYNTAX"
    assert connection.error_of("LIST", "LOAD", "nosuch", "BEGIN") == "NOLIST"
    upload = connection.call("LIST", "LOAD", "june", "BEGIN")
    assert connection.error_of("LIST", "LOAD", "ten-off", "COMMIT", upload, "DRYRUN") == "NOUPLOAD"
    assert connection.error_of("LIST", "LOAD", "june", "COMMIT", upload, "DRYRUN", "DRYRUN") == "SYNTAX"
    assert connection.error_of("LIST", "LOAD", "june", "COMMIT", 99, "DRYRUN") == "NOUPLOAD"


def test_the_tool_tries_a_file(server, connection, tmp_path):
    # Goal: exit 0 where it would load and 2 where it would not, and nothing is kept. Method: a good file, a bad one,
    # the good one loaded and tried again.
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_bytes(b"A\nB\n")
    bad.write_bytes(b"C\nx y\n")
    done = tool(server, "list", "load", "june", good, "--dry-run")
    assert done.returncode == 0 and b"nothing was kept. To load good.txt would add 2 codes" in done.stderr
    done = tool(server, "list", "load", "june", bad, "--dry-run", "--json")
    assert done.returncode == 2 and json.loads(done.stdout)["status"] == "refused"
    assert b"bad.txt would be refused" in done.stderr and b"line 2" in done.stderr
    assert uploads(connection) == [] and harness.ledger(server)["uploaded"] == 0
    assert tool(server, "list", "load", "june", good).returncode == 0
    done = tool(server, "list", "load", "june", good, "--dry-run")
    assert done.returncode == 0 and b"loading it would change nothing" in done.stderr
    table = tool(server, "list", "uploads", "june").stdout.decode().splitlines()
    assert len(table) == 2 and table[1].split()[1:7] == ["good.txt", "2", "2", "0", "0", "0"]
    (row,) = json.loads(tool(server, "list", "uploads", "june", "--json").stdout)
    assert row["hash"] == hashlib.sha256(good.read_bytes()).hexdigest()
