"""A server starts only on a directory that is its own and whole; every refusal has its exit code and says
why."""

import os
import pathlib
import re
import shutil
import socket
import stat

import pytest

import certificates
import harness
from harness import content_of, exit_of

SEGMENT_HEADER_BYTES = 4_096
FRAME_HEADER_BYTES = 64
FRAME_MAGIC = b"TOF1"


@pytest.fixture
def settled(start, directory):
    """A directory with 300 acknowledged allocations in frames of their own, cleanly stopped; their codes by
    user."""
    server = start("--threads", 1)
    harness.make_campaign(server)
    with server.connect() as connection:
        given = {f"u{number}": connection.call("ALLOC", "summer", f"u{number}") for number in range(300)}
    server.stop()
    return given


def all_there(start, given):
    with start().connect() as connection:
        assert harness.allocate_all(connection, "summer", list(given)) == list(given.values())


def frames_of(segment):
    """Where the frames of a segment begin."""
    data = segment.read_bytes()
    return [
        found.start() for found in re.finditer(FRAME_MAGIC, data) if found.start() >= SEGMENT_HEADER_BYTES
    ]


def test_a_new_directory_is_made_and_said_loudly(start, directory):
    # Goal: nobody takes a fresh start for the old data. Method: the log of the first and of the second start.
    server = start()
    line = server.wait_log("directory.created")
    assert "warning" in line and "NEW" in line and str(directory) in line
    server.stop()
    again = start()
    assert "directory.opened" in again.log and "directory.created" not in again.log


def test_an_empty_directory_is_used(start, directory):
    # Goal: an empty directory is as good as none. Method: make it first.
    directory.mkdir()
    assert "directory.created" in start().log


def test_files_are_for_their_owner_only(start, directory):
    # Goal: 0700 and 0600. Method: every file after some work, with a lax umask.
    previous = os.umask(0)
    try:
        server = start()
    finally:
        os.umask(previous)
    harness.make_campaign(server)
    server.call("SNAPSHOT")
    for path in [directory, *directory.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has {mode:o}"


def test_a_second_server_on_the_same_directory_is_refused(start, directory):
    # Goal: 75, and the first is not disturbed. Method: allocate, start another, allocate.
    server = start()
    harness.make_campaign(server)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    code, output = exit_of(directory=directory)
    assert code == 75 and "another server" in output
    assert server.call("ALLOC", "summer", "u2") == b"C00000002"


def test_after_a_kill_the_lock_is_free(start):
    # Goal: no lock outlives its server. Method: kill and start, five times, io_uring in use.
    for number in range(5):
        server = start()
        if number == 0:
            harness.make_campaign(server)
        assert server.call("ALLOC", "summer", f"u{number}") == b"C%08d" % (number + 1)
        server.kill()


def test_a_foreign_directory_is_refused_and_left_alone(directory):
    # Goal: 73, and nothing is written there. Method: a directory with somebody else's file.
    directory.mkdir()
    (directory / "holiday.jpg").write_text("not ours")
    code, output = exit_of(directory=directory)
    assert code == 73 and "holiday.jpg" in output
    assert [path.name for path in directory.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize("exists", [False, True])
def test_expected_data_that_is_not_there_is_refused(directory, exists):
    # Goal: a missing mount is no fresh start: 73, and nothing is made. Method: no directory, and an empty
    # one.
    if exists:
        directory.mkdir()
    code, output = exit_of("--expect-data", directory=directory)
    assert code == 73 and "--expect-data" in output
    assert directory.exists() == exists and (not exists or not any(directory.iterdir()))


def test_expected_data_that_is_there_is_served(start, settled):
    # Goal: --expect-data does not get into the way. Method: a directory with data.
    with start("--expect-data").connect() as connection:
        assert connection.call("ALLOC", "summer", "u7") == settled["u7"]


def test_a_missing_log_is_refused(directory, settled):
    # Goal: 65 rather than an empty state. Method: the whole log gone.
    for path in (directory / "wal").iterdir():
        path.unlink()
    code, output = exit_of(directory=directory)
    assert code == 65 and "log is missing" in output


@pytest.mark.parametrize("lane", ["00000", "control"])
def test_a_missing_segment_is_refused(start, directory, settled, lane):
    # Goal: 65 and the file's name. Method: the lane's first segment gone; brought back, all is there.
    segment = directory / "wal" / f"{lane}-0000000000000001.wal"
    aside = directory.parent / "aside"
    segment.rename(aside)
    code, output = exit_of(directory=directory)
    assert code == 65 and re.search(rf"wal/{lane}|{lane}-0*1|lane {lane}", output), output
    aside.rename(segment)
    all_there(start, settled)


def test_a_missing_upload_is_refused(start, directory, settled):
    # Goal: 65 for the codes themselves too. Method: the blob of the upload gone; brought back, all is there.
    blob = next((directory / "blobs").iterdir())
    aside = directory.parent / "aside"
    blob.rename(aside)
    code, output = exit_of(directory=directory)
    assert code == 65 and blob.name in output
    aside.rename(blob)
    all_there(start, settled)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("part", ["header", "payload"])
def test_a_flipped_bit_in_acknowledged_data_is_refused(start, directory, settled, place, part):
    # Goal: 65 with file, offset and frame, nothing changed on disk, and with the bit put back all is there.
    # Method: one bit of a records frame; the lane was sealed, so its last frame counts as acknowledged too.
    segment = directory / "wal" / "00000-0000000000000001.wal"
    data = bytearray(segment.read_bytes())
    records = [offset for offset in frames_of(segment) if data[offset + 4] == 1]
    assert len(records) == 300
    number = {"first": 0, "middle": 150, "last": 299}[place]
    offset = records[number] + (20 if part == "header" else FRAME_HEADER_BYTES)
    flip(segment, offset)
    before = content_of(directory)
    code, output = exit_of(directory=directory)
    assert code == 65, output
    assert "00000-0000000000000001" in output
    assert re.search(rf"\b{records[number]}\b", output), output
    assert re.search(rf"frame {number + 1}\b", output), output
    assert not any(given.decode() in output for given in settled.values()), "a code stands in a message"
    assert content_of(directory) == before
    flip(segment, offset)
    all_there(start, settled)


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def test_a_flipped_bit_in_an_upload_is_refused(directory, settled):
    # Goal: codes are checked as the log is. Method: one bit in the middle of the blob.
    blob = next((directory / "blobs").iterdir())
    flip(blob, blob.stat().st_size // 2)
    code, output = exit_of(directory=directory)
    assert code == 65 and blob.name in output


def test_a_torn_tail_is_cut_and_told(start, directory):
    # Goal: what nobody was told of does not stop a start. Method: garbage where the next frame would be.
    server = start("--threads", 1)
    harness.make_campaign(server)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    server.stop()
    segment = directory / "wal" / "00000-0000000000000001.wal"
    data = segment.read_bytes()
    last = frames_of(segment)[-1]
    end = last + -(-FRAME_HEADER_BYTES // 512) * 512
    with open(segment, "r+b") as file:
        file.seek(end)
        file.write(data[frames_of(segment)[0] :][: FRAME_HEADER_BYTES - 10])
    again = start()
    assert again.call("ALLOC", "summer", "u1") == b"C00000001"
    assert again.call("ALLOC", "summer", "u2") == b"C00000002"


def test_a_copied_directory_serves_the_same(start, directory, settled):
    # Goal: a directory can be copied and served elsewhere. Method: copy, start there.
    copy = directory.parent / "copy"
    shutil.copytree(directory, copy)
    with start(on=copy).connect() as connection:
        assert harness.allocate_all(connection, "summer", list(settled)) == list(settled.values())


def test_a_port_in_use_is_refused(directory):
    # Goal: 69, and the port is named. Method: a socket of our own on it.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = exit_of("--listen", f"127.0.0.1:{port}", directory=directory)
    assert code == 69 and str(port) in output


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "127.example.com:0"])
def test_an_address_beyond_loopback_is_refused(directory, address):
    # Goal: 78 unless it was asked for. Method: several addresses, one of which only looks like loopback.
    code, output = exit_of("--listen", address, directory=directory)
    assert code == 78 and "loopback" in output
    assert not directory.exists()


IN_CLEAR, WITHOUT_PASSWORD = "--allow-remote-without-encryption", "--allow-remote-without-password"


@pytest.mark.parametrize("has_tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("has_password", [False, True], ids=["open", "password"])
@pytest.mark.parametrize("allowed", [[], [IN_CLEAR], [WITHOUT_PASSWORD], [IN_CLEAR, WITHOUT_PASSWORD]], ids=len)
def test_an_address_beyond_loopback_has_tls_and_a_password_or_was_asked_for(
    start, directory, tmp_path, has_tls, has_password, allowed
):
    # Goal: each of the two is there or was done without in so many words; else 78, with what is missing and what to do.
    # Method: every combination; all addresses, reached over loopback.
    flags, tls = ["--listen", "0.0.0.0:0", *allowed], None
    if has_tls:
        authority = certificates.Authority(tmp_path)
        pair, tls = authority.issue("server"), authority.client()
        flags += ["--tls-certificate", pair.certificate, "--tls-key", pair.key]
    if has_password:
        (tmp_path / "password").write_text("sesame\n")
        flags += ["--password-file", tmp_path / "password"]
    needs_tls = not has_tls and IN_CLEAR not in allowed
    needs_password = not has_password and WITHOUT_PASSWORD not in allowed
    if not needs_tls and not needs_password:
        with start(*flags, tls=tls).connect() as connection:
            if has_password:
                assert connection.error_of("LIST", "ALL") == "NOAUTH"
                connection.call("AUTH", "sesame")
            assert connection.call("PING") == b"PONG"
        return
    code, output = exit_of(*flags, directory=directory)
    assert code == 78 and "0.0.0.0 is not a loopback address" in output
    assert needs_tls == (f"--tls-key, or say {IN_CLEAR}" in output), output
    assert needs_password == (f"--password-file, or say {WITHOUT_PASSWORD}" in output), output
    assert not directory.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--dta", "x"],
        ["--threads", "0"],
        ["--threads", "many"],
        ["--shards", "12"],
        ["--listen", "127.0.0.1"],
        ["--listen", "127.0.0.1:65536"],
        ["--log-mechanism", "punched-cards"],
        ["--segment-kib"],
        ["--segment-kib", "65"],
        ["extra"],
        ["--time-zone", "Mars/Olympus"],
    ],
    ids=" ".join,
)
def test_wrong_flags_are_refused(directory, flags):
    # Goal: 64 before anything is touched, with the wrong word in the message. Method: a table of mistakes.
    code, output = exit_of(*flags, directory=directory)
    assert code == 64, output
    assert flags[0] in output or flags[-1] in output
    assert not directory.exists()


def test_settings_come_from_flags_environment_and_file(start, tmp_path):
    # Goal: the precedence that --help tells. Method: threads in all three; connections in two; shards in one.
    file = tmp_path / "tearoff.json"
    file.write_text('{"threads": 5, "maxConnections": 77, "shards": 4}')
    server = start(
        "--config",
        file,
        "--threads",
        3,
        environment={"TEAROFF_THREADS": "4", "TEAROFF_MAX_CONNECTIONS": "88"},
    )
    info = server.info()
    assert (info["threads"], info["maxclients"], info["shards"]) == (3, 88, 4)


def test_a_missing_settings_file_is_refused(directory):
    # Goal: 78 and the file's name. Method: a file that is not there.
    code, output = exit_of("--config", pathlib.Path("/nonexistent/tearoff.json"), directory=directory)
    assert code == 78 and "/nonexistent/tearoff.json" in output


def test_help_and_version(directory):
    # Goal: both print and end with 0. Method: every exit code of the manual is in the help.
    code, output = exit_of("--help", directory=directory)
    assert code == 0
    for number in [64, 65, 69, 70, 73, 74, 75, 78]:
        assert re.search(rf"^ +{number}  ", output, re.MULTILINE)
    assert exit_of("--version")[0] == 0
    assert not directory.exists()
