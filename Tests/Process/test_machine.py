"""A machine that fails under the server costs nothing that was acknowledged, and no code is given twice.

Failing writes are in test_disk_failure.py, slow ones in test_slow_disk.py, missing and damaged files and two servers on
one directory in test_directory.py, SIGKILL in test_crash.py; the long forms are ./tools/torture."""

import functools
import os
import pathlib
import sys

import pytest

import harness
import machine


def of_this_machine(test):
    """Skips, and says why, where the machine cannot make the fault."""

    @functools.wraps(test)
    def run(*arguments, **settings):
        try:
            return test(*arguments, **settings)
        except machine.Unavailable as why:
            pytest.skip(str(why))

    return run


@of_this_machine
def test_a_full_disk_ends_the_server_and_loses_nothing():
    # Goal: 74, DISKERR or the end of the connection, and all there when there is room again. Method: a file system
    # with 256 KiB left, codes until it is full, room again, a start.
    machine.full_disk()


@of_this_machine
def test_a_nearly_full_disk_gives_no_new_codes_and_does_all_else():
    # Goal: the server does not run into the wall; who has a code gets it. Method: a file system with less free than
    # --minimum-free-mib, and then with more.
    machine.nearly_full_disk()


@of_this_machine
def test_memory_that_clients_could_fill_is_warned_of():
    # Goal: limits that do not fit the machine are told at the start. Method: a control group smaller than what clients
    # may hold; without one nothing is told.
    assert "start.little-memory" in machine.log_in_a_control_group(512)
    assert "start.little-memory" not in machine.log_in_a_control_group(16 << 10)


@of_this_machine
def test_an_upload_that_does_not_fit_is_told_so():
    # Goal: NOSPACE, nothing kept, and codes go on. Method: an upload larger than what is left of a small file system.
    machine.upload_on_a_full_disk()


@of_this_machine
def test_what_was_not_synced_may_go():
    # Goal: acknowledged is durable in the file system, not only in its cache. Method: ext4 is stopped under load as on
    # a power failure, three times, twice while a snapshot is written.
    machine.lost_power(rounds=3)


@of_this_machine
def test_a_file_system_that_becomes_read_only_ends_the_server_and_loses_nothing():
    # Goal: 74, DISKERR or the end of the connection; whole when it can be written again. Method: ext4 meets an error of
    # its own under load, and is mounted anew.
    machine.read_only()


@pytest.mark.parametrize("replace", [False, True], ids=["moved", "replaced"])
def test_a_directory_that_is_moved_away_ends_the_server(replace):
    # Goal: nothing is acknowledged that no start would find, and nothing is written into what stands in its place.
    # Method: the directory is renamed under load, and a copy put in its place; then it is brought back.
    machine.moved_directory(replace)


def test_a_directory_that_is_removed_ends_the_server(start, directory):
    # Goal: 74 rather than codes that are nowhere. Method: all files are removed under an idle server; the log says why.
    server = start()
    harness.make_campaign(server)
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert server.wait_exit() == 74
    assert "the data directory: does not exist" in server.log


def test_a_server_without_memory_loses_nothing():
    # Goal: what the process dies of changes nothing. Method: a limit of the address space, and an upload without end.
    machine.little_memory()


@of_this_machine
def test_a_server_that_is_killed_for_its_memory_loses_nothing():
    # Goal: the same of the kernel's choice. Method: a control group of 64 MiB.
    machine.killed_for_memory()


FORBIDDEN = [sys.executable, pathlib.Path(__file__).with_name("no_io_uring.py")]


def test_where_io_uring_is_forbidden_another_way_is_taken_and_told(start):
    # Goal: containers forbid it; the server serves, and says how. Method: a seccomp filter; a kill, and a start without
    # the filter, which finds all of it.
    server = start("--threads", 2, under=FORBIDDEN)
    assert "log=pwritev2" in server.wait_log("server.ready")
    assert server.info()["log_mechanism"] == "pwritev2"
    harness.make_campaign(server)
    assert [server.call("ALLOC", "summer", f"u{number}") for number in (1, 2)] == [b"C00000001", b"C00000002"]
    server.kill()
    again = start("--threads", 2)
    assert "log=io_uring" in again.wait_log("server.ready")
    assert [again.call("ALLOC", "summer", f"u{number}") for number in (2, 1)] == [b"C00000002", b"C00000001"]


def test_a_way_of_writing_that_was_named_is_not_exchanged(start, directory):
    # Goal: who names io_uring wants no other. Method: the same filter.
    server = start("--log-mechanism", "io_uring", under=FORBIDDEN, wait=False)
    assert server.wait_exit() == 74
    assert "start.refused" in server.log


def test_no_file_is_inherited_and_nothing_is_forked(start):
    # Goal: no other process ever has a file of ours (DURABILITY, row 34). Method: a server that serves while it writes
    # a snapshot has no child, and each of its files and rings is closed on exec. (The library's sockets and selectors
    # are not; nothing here executes a program.)
    server = start()
    harness.make_campaign(server)
    with server.connect() as connection:
        connection.send("SNAPSHOT")
        assert server.call("ALLOC", "summer", "u1") == b"C00000001"
        place = pathlib.Path(f"/proc/{server.pid}")
        checked = 0
        for entry in (place / "fd").iterdir():
            try:
                kind = os.readlink(entry)
            except FileNotFoundError:
                # Closed meanwhile: the snapshot goes on.
                continue
            if int(entry.name) > 2 and (kind.startswith("/") or "io_uring" in kind):
                flags = (place / "fdinfo" / entry.name).read_text().split("flags:")[1].split()[0]
                assert int(flags, 8) & os.O_CLOEXEC, kind
                checked += 1
        assert checked > 4
        assert not any(task.read_text() for task in place.glob("task/*/children"))
        assert isinstance(connection.read(), list)
