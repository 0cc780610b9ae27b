"""A file is taken whole or not at all; every bad line is told by number and reason; nothing is loaded
twice."""

import contextlib
import json
import os
import pty
import select
import random
import subprocess

import pytest

import harness
from harness import get_upload

KINDS = [
    "invalid-utf8",
    "comma",
    "whitespace",
    "control",
    "too-long",
    "duplicate-in-file",
    "duplicate-in-list",
]


@pytest.fixture
def connection(server):
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june", "RETRIGGER", "always")
        yield connection


def given(connection, count):
    """The next codes of the list."""
    return [connection.call("ALLOC", "summer", "u") for _ in range(count)]


def uploaded(connection):
    return connection.call_map("LIST", "INFO", "june")[b"uploaded"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"A1\nB2\nC3\n", id="LF"),
        pytest.param(b"A1\r\nB2\r\nC3\r\n", id="CRLF"),
        pytest.param(b"A1\nB2\nC3", id="no-last-newline"),
        pytest.param(b"\xef\xbb\xbfA1\nB2\r\nC3", id="BOM"),
        pytest.param(b"\n\nA1\n\r\nB2\n\n\nC3\n\n", id="blank-lines"),
    ],
)
def test_files_as_people_save_them_are_read(connection, data):
    # Goal: the same three codes, however the file was saved. Method: one form each.
    outcome = get_upload(connection, "june", data)
    assert (outcome[b"status"], outcome[b"codes"], outcome[b"bad"]) == (b"loaded", 3, 0)
    assert outcome[b"blank"] == (6 if data.startswith(b"\n") else 0)
    assert given(connection, 3) == [b"A1", b"B2", b"C3"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_chunks_may_be_cut_anywhere(connection, chunk):
    # Goal: lines, CR LF, the BOM and characters of several bytes may straddle chunks. Method: small chunks.
    data = b"\xef\xbb\xbf" + "".join(f"code-ö{number}-€\r\n" for number in range(20)).encode()
    assert get_upload(connection, "june", data, chunk=chunk)[b"codes"] == 20
    assert given(connection, 20) == [f"code-ö{number}-€".encode() for number in range(20)]


BAD = [
    (b"with,comma", "comma"),
    (b"with blank", "whitespace"),
    (b"tab\there", "whitespace"),
    (b"bell\x07", "control"),
    (b"\xff\xfe", "invalid-utf8"),
    (b"x" * 256, "too-long"),
    (b"GOOD1", "duplicate-in-file"),
    (b"OLD1", "duplicate-in-list"),
]


@pytest.mark.parametrize("line, kind", BAD, ids=[f"{kind}-{index}" for index, (_, kind) in enumerate(BAD)])
def test_one_bad_line_refuses_the_whole_file(connection, line, kind):
    # Goal: nothing of it is kept, and the line is told. Method: a bad line in the middle of good ones.
    get_upload(connection, "june", b"OLD1\nOLD2\n")
    upload = connection.call("LIST", "LOAD", "june", "BEGIN", "bad.txt")
    connection.call("LIST", "LOAD", "june", "CHUNK", upload, b"GOOD1\n\n" + line + b"\nGOOD2\n")
    outcome = connection.call_map("LIST", "LOAD", "june", "COMMIT", upload)
    assert outcome[b"status"] == b"refused" and outcome[b"bad"] == 1
    assert {name: outcome[name.encode()] for name in KINDS} == {name: int(name == kind) for name in KINDS}
    ((number, reason),) = connection.call("LIST", "LOAD", "june", "ERRORS", upload, 0, 10)
    assert number == 3 and reason and line not in reason
    assert uploaded(connection) == 2


def test_bad_lines_can_be_skipped(connection):
    # Goal: SKIPBAD loads the good ones and counts the others by kind. Method: all kinds in one file.
    get_upload(connection, "june", b"OLD1\n")
    data = b"GOOD1\n" + b"".join(line + b"\n" for line, _ in BAD) + b"GOOD2\n"
    outcome = get_upload(connection, "june", data, "SKIPBAD")
    assert (outcome[b"status"], outcome[b"codes"], outcome[b"bad"]) == (b"loaded", 2, len(BAD))
    assert sum(outcome[name.encode()] for name in KINDS) == len(BAD)
    assert given(connection, 3) == [b"OLD1", b"GOOD1", b"GOOD2"]


def test_the_longest_code_is_taken(connection):
    # Goal: 255 bytes are allowed. Method: bytes, and characters of several bytes.
    longest = [b"x" * 255, ("ö" * 127 + "y").encode()]
    assert get_upload(connection, "june", b"\n".join(longest))[b"codes"] == 2
    assert given(connection, 2) == longest


def test_bad_lines_are_read_in_pages(connection):
    # Goal: all of them can be had, in pieces. Method: 2,500 bad lines, pages of 1,000.
    data = b"".join(b"G%d\nbad,%d\n" % (number, number) for number in range(2_500))
    upload = connection.call("LIST", "LOAD", "june", "BEGIN")
    connection.call("LIST", "LOAD", "june", "CHUNK", upload, data)
    assert connection.call_map("LIST", "LOAD", "june", "COMMIT", upload)[b"bad"] == 2_500
    lines = []
    for start in [0, 1_000, 2_000]:
        page = connection.call("LIST", "LOAD", "june", "ERRORS", upload, start, 1_000)
        lines += [number for number, _ in page]
    assert lines == list(range(2, 5_001, 2))
    assert connection.call("LIST", "LOAD", "june", "ERRORS", upload, 2_500, 10) == []
    assert connection.error_of("LIST", "LOAD", "june", "ERRORS", upload, 0, 10_001) == "SYNTAX"


def test_the_same_file_again_changes_nothing(connection):
    # Goal: a file is known by its content. Method: once more under another name, also after a restart of
    # nothing.
    data = harness.codes(1_000)
    first = get_upload(connection, "june", data)
    again = get_upload(connection, "june", data, chunk=777)
    assert (first[b"status"], again[b"status"]) == (b"loaded", b"unchanged")
    assert again[b"upload"] == first[b"upload"]
    assert uploaded(connection) == 1_000


def test_the_same_codes_may_stand_in_two_lists(connection):
    # Goal: duplicates are a matter of one list. Method: the same file to another one.
    connection.call("LIST", "CREATE", "july", "UNIQUE")
    get_upload(connection, "june", b"A\nB\n")
    assert get_upload(connection, "july", b"A\nB\n")[b"status"] == b"loaded"
    assert len(connection.call("CODE", "FIND", "A")) == 2


def test_an_aborted_upload_leaves_nothing(connection):
    # Goal: ABORT drops it. Method: chunks, ABORT, and every further step.
    upload = connection.call("LIST", "LOAD", "june", "BEGIN")
    connection.call("LIST", "LOAD", "june", "CHUNK", upload, b"A\nB\n")
    assert connection.call("LIST", "LOAD", "june", "ABORT", upload) == b"OK"
    for step in [("CHUNK", upload, b"C\n"), ("COMMIT", upload), ("ABORT", upload)]:
        assert connection.error_of("LIST", "LOAD", "june", *step) == "NOUPLOAD"
    assert uploaded(connection) == 0


def test_a_broken_connection_leaves_nothing(server, connection):
    # Goal: no upload outlives its connection, and its place is free again. Method: more of them than may be
    # open.
    for _ in range(20):
        with server.connect() as other:
            upload = other.call("LIST", "LOAD", "june", "BEGIN")
            other.call("LIST", "LOAD", "june", "CHUNK", upload, b"A\nB\n")
        harness.wait_until(lambda: uploads_open(server) == 0, "the upload is gone")
        assert connection.error_of("LIST", "LOAD", "june", "COMMIT", upload) == "NOUPLOAD"
    assert uploaded(connection) == 0
    assert get_upload(connection, "june", b"A\nB\n")[b"status"] == b"loaded"


def uploads_open(server):
    """Uploads under way that are another connection's: none can be begun beyond the maximum of 8."""
    with server.connect() as probe:
        begun = 0
        while True:
            probe.send("LIST", "LOAD", "june", "BEGIN")
            reply = probe.read()
            if isinstance(reply, harness.ErrorReply):
                assert reply.word == "BUSY"
                break
            begun += 1
    return 0 if begun == 8 else 8 - begun


def test_an_upload_belongs_to_its_connection(server, connection):
    # Goal: nobody adds to another's upload. Method: its id on a second connection.
    upload = connection.call("LIST", "LOAD", "june", "BEGIN")
    with server.connect() as other:
        for step in [
            ("CHUNK", upload, b"X\n"),
            ("COMMIT", upload),
            ("ABORT", upload),
            ("ERRORS", upload, 0, 1),
        ]:
            assert other.error_of("LIST", "LOAD", "june", *step) == "NOUPLOAD"
    connection.call("LIST", "LOAD", "june", "CHUNK", upload, b"A\n")
    assert connection.call_map("LIST", "LOAD", "june", "COMMIT", upload)[b"codes"] == 1


def test_an_upload_that_ends_in_a_kill_leaves_nothing(start):
    # Goal: chunks are nothing until the commit. Method: SIGKILL behind the last chunk.
    server = start()
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        upload = connection.call("LIST", "LOAD", "june", "BEGIN")
        connection.call("LIST", "LOAD", "june", "CHUNK", upload, harness.codes(10_000))
    server.kill()
    again = start()
    assert harness.ledger(again)["uploaded"] == 0
    with again.connect() as connection:
        assert get_upload(connection, "june", harness.codes(10_000))[b"status"] == b"loaded"
    again.kill()
    third = start()
    assert harness.ledger(third)["uploaded"] == 10_000
    with third.connect() as connection:
        assert get_upload(connection, "june", harness.codes(10_000))[b"status"] == b"unchanged"
        assert get_upload(connection, "june", b"C00000077\nNEW\n")[b"duplicate-in-list"] == 1


def test_a_second_file_adds_to_the_list_and_resumes_nothing_by_itself(connection):
    # Goal: exhausted stays finished until somebody resumes it. Method: two codes, three requests, two more
    # codes.
    get_upload(connection, "june", b"A\nB\n")
    assert given(connection, 2) == [b"A", b"B"]
    harness.wait_until(
        lambda: connection.call_map("CAMPAIGN", "INFO", "summer")[b"state"] == b"finished", "it is finished"
    )
    assert connection.call_map("CAMPAIGN", "INFO", "summer")[b"reason"] == b"exhausted"
    assert connection.error_of("ALLOC", "summer", "u") == "EXHAUSTED"
    assert connection.error_of("CAMPAIGN", "RESUME", "summer") == "EXHAUSTED"
    get_upload(connection, "june", b"C\nD\n")
    assert connection.error_of("ALLOC", "summer", "u") == "EXHAUSTED"
    assert connection.call("CAMPAIGN", "RESUME", "summer") == b"OK"
    assert given(connection, 2) == [b"C", b"D"]


def test_the_server_serves_while_a_large_file_is_loaded(server, connection):
    # Goal: nobody waits for an upload. Method: allocations from another list between the chunks and during
    # the commit of a million codes; each must come before the commit's reply.
    harness.make_campaign(server, name="other", list_name="other", count=100_000, prefix="X")
    data = harness.codes(1_000_000)
    upload = connection.call("LIST", "LOAD", "june", "BEGIN")
    for start in range(0, len(data), 1 << 20):
        connection.call("LIST", "LOAD", "june", "CHUNK", upload, data[start : start + (1 << 20)])
    with server.connect() as client:
        connection.send("LIST", "LOAD", "june", "COMMIT", upload)
        for number in range(20):
            assert client.call("ALLOC", "other", f"u{number}").startswith(b"X")
    assert harness.as_map(connection.read())[b"codes"] == 1_000_000
    picked = random.Random(1).randrange(1_000_000)
    assert harness.as_map(connection.call("CODE", "FIND", b"C%08d" % (picked + 1))[0])[b"state"] == b"free"


def test_names_and_kinds_are_checked(connection):
    # Goal: the errors of the manual. Method: one of each.
    assert connection.error_of("LIST", "LOAD", "nosuch", "BEGIN") == "NOLIST"
    assert connection.error_of("LIST", "LOAD", "june", "COMMIT", 99) == "NOUPLOAD"
    assert connection.error_of("LIST", "CREATE", "june", "UNIQUE") == "EXISTS"
    assert connection.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 3) == b"OK"
    assert connection.call("CAMPAIGN", "CREATE", "ten", "LIST", "ten-off") == b"OK"
    for user in ["a", "b", "c", "a"]:
        assert connection.call("ALLOC", "ten", user) == b"SAVE10"
    assert connection.error_of("ALLOC", "ten", "d") == "EXHAUSTED"
    assert harness.as_map(connection.call("LIST", "INFO", "ten-off"))[b"given"] == 3


def test_the_admin_tool_tells_where_a_fixed_code_stands(server, connection):
    # Goal: a code that many users have is given, and names none of them. Method: before and after an ALLOC.
    def found():
        words = [harness.TEAROFFCTL, "code", "find", "SAVE10", "--json", "--server", f"127.0.0.1:{server.port}"]
        [place] = json.loads(subprocess.run(words, check=True, capture_output=True, timeout=60).stdout)
        return place["state"], place.get("user")

    assert connection.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 3) == b"OK"
    assert connection.call("CAMPAIGN", "CREATE", "ten", "LIST", "ten-off") == b"OK"
    assert found() == ("free", None)
    assert connection.call("ALLOC", "ten", "a") == b"SAVE10"
    assert found() == ("given", None)


@contextlib.contextmanager
def tool_in_a_terminal(server, *words):
    """tearoffctl with its words going to a terminal: the process, and the terminal's other end."""
    near, far = pty.openpty()
    process = subprocess.Popen(
        [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=far,
    )
    os.close(far)
    try:
        yield process, near
    finally:
        process.kill()
        process.communicate()
        os.close(near)


def read_until(terminal, text):
    """What the terminal shows up to that text."""
    seen = b""
    while text not in seen:
        part = harness.read_terminal(terminal)
        assert part, f"the tool ended, and had shown {seen}"
        seen += part
    return seen


def test_a_terminal_shows_what_is_waited_for(server, connection):
    # Goal: no silence while the server checks a large file, and nothing of it is left behind. Method: a file without
    # a pause.
    with tool_in_a_terminal(server, "list", "load", "june", "-") as (process, terminal):
        process.stdin.write(harness.codes(1_000))
        process.stdin.close()
        read_until(terminal, b"standard-input  the server checks it\r\x1b[K")
        assert process.wait(harness.DEADLINE_SECONDS) == 0
    assert uploaded(connection) == 1_000


def test_what_broke_an_upload_off_stands_on_a_line_of_its_own(server, connection):
    # Goal: the reason is not behind the bar. Method: a server that dies when the bar is seen.
    with tool_in_a_terminal(server, "list", "load", "june", "-") as (process, terminal):
        # As much as it takes: the bar is not drawn before a tenth of a second, however quick the machine is.
        seen, number = b"", 0
        while b"codes/s" not in seen:
            process.stdin.write(b"".join(b"T%09d\n" % code for code in range(number, number + 100_000)))
            number += 100_000
            if select.select([terminal], [], [], 0)[0]:
                seen += os.read(terminal, 4096)
        server.kill()
        process.stdin.close()
        read_until(terminal, b"\r\x1b[Kthe connection")
        assert process.wait(harness.DEADLINE_SECONDS) == 69
