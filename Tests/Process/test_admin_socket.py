"""The Unix socket for administration: who gets in, when, and what becomes of its file."""

import os
import socket
import stat
import subprocess

import pytest
import redis

import harness

# As the server has them.
ADMIN_CONNECTIONS = 16
PATH_BYTES = 103


@pytest.fixture
def path(tmp_path):
    return tmp_path / "admin.sock"


@pytest.fixture
def password(tmp_path):
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    return ["--password-file", file]


def test_the_file_is_its_owners_alone(start, path):
    # Goal: mode 0600 whatever the umask, and gone after a clean stop. Method: the most generous umask.
    before = os.umask(0)
    try:
        server = start("--admin-socket", path)
    finally:
        os.umask(before)
    found = path.stat()
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600
    server.stop()
    assert not path.exists()


def test_no_moment_has_another_mode(start, strace, path):
    # Goal: the file is never there with more rights, not for a moment. Method: a watcher that looks at each new mode of
    # it that the kernel tells: strace of the process shows no chmod of a path, and the socket's mode before its bind.
    trace = path.with_suffix(".trace")
    subprocess.run(
        ["timeout", "-s", "TERM", "3", strace, "-f", "-o", trace, "-e", "trace=bind,chmod,fchmod,fchmodat", "--",
         harness.TEAROFFD, "--data", harness.new_directory(), "--listen", "127.0.0.1:0", "--admin-socket", path],
        capture_output=True, timeout=harness.DEADLINE_SECONDS)
    calls = trace.read_text().splitlines()
    bind = next(index for index, call in enumerate(calls) if "bind(" in call and str(path) in call)
    assert any("fchmod(" in call and "0600" in call for call in calls[:bind])


def test_it_needs_no_password(start, path, password):
    # Goal: its file's rights are the authentication; the network's door stays shut. Method: both, also behind RESET.
    server = start("--admin-socket", path, *password)
    with harness.Connection(path) as admin, server.connect() as client:
        assert client.error_of("LIST", "ALL") == "NOAUTH"
        assert admin.call("PING") == b"PONG"
        assert admin.call("RESET") == b"RESET"
        assert admin.call("LIST", "CREATE", "june", "UNIQUE") == b"OK"
        assert client.call("AUTH", "open sesame") == b"OK"
        assert client.call("RESET") == b"RESET"
        assert client.error_of("LIST", "ALL") == "NOAUTH"


def test_clients_as_they_are(start, path, password):
    # Goal: redis-cli -s, redis-py, tearoffctl by option and by environment, doctor. Method: each.
    server = start("--admin-socket", path, *password)
    done = subprocess.run(["redis-cli", "-s", path, "PING"], capture_output=True, timeout=30)
    assert done.stdout == b"PONG\n", done.stderr
    with redis.Redis(unix_socket_path=str(path)) as client:
        assert client.ping()
    done = harness.run_tool("ping", "--socket", path)
    assert done.stdout == "PONG\n", done.stderr
    done = subprocess.run(
        [harness.TEAROFFCTL, "ping"], env={"TEAROFF_SERVER": f"unix:{path}"}, capture_output=True, text=True)
    assert done.stdout == "PONG\n", done.stderr
    assert "descriptors" in harness.run_tool("doctor", "--socket", path).stdout
    done = harness.run_tool("ping", "--socket", path.with_name("none"))
    assert done.returncode == 69 and "no such socket" in done.stderr
    assert server.call  # It is still there.


def test_the_audit_trail_tells_the_way(start, path):
    # Goal: an act over the socket is known as such. Method: a list, and the trail.
    start("--admin-socket", path)
    with harness.Connection(path) as admin:
        admin.call("LIST", "CREATE", "june", "UNIQUE")
        assert b"addr=unix" in admin.call("CLIENT", "INFO")
        records = [harness.as_map(record) for record in admin.call("AUDIT", "READ", "FROM", "1", "COUNT", "100")]
    assert any(record[b"address"] == b"unix" for record in records), records


def test_it_is_open_when_clients_have_taken_all_places(start, path):
    # Goal: whoever looks after the server gets in. Method: all connections taken; then all of the socket's own.
    server = start("--admin-socket", path, "--max-connections", 2)
    with harness.closing([server.connect() for _ in range(2)]) as clients:
        assert all(client.call("PING") == b"PONG" for client in clients)
        with server.connect() as late:
            assert late.read().word == "LIMIT"
        with harness.closing([harness.Connection(path) for _ in range(ADMIN_CONNECTIONS)]) as admins:
            assert all(admin.call("PING") == b"PONG" for admin in admins)
            figures = admins[0].call("INFO", "clients").decode()
            assert f"admin_clients:{ADMIN_CONNECTIONS}" in figures and "connected_clients:2" in figures
            with harness.Connection(path) as late:
                error = late.read()
                assert error.word == "LIMIT" and str(ADMIN_CONNECTIONS) in str(error)

        def has_room():
            with harness.Connection(path) as admin:
                admin.send_bytes(b"PING\r\n")
                return admin.read() == b"PONG"

        harness.wait_until(has_room, "a place is free again")


# MARK: - The file


def test_a_socket_that_a_crash_left_is_replaced(start, path):
    # Goal: a restart needs no hand. Method: SIGKILL, then a start on the same path.
    server = start("--admin-socket", path)
    server.kill()
    assert path.exists()
    start("--admin-socket", path)
    with harness.Connection(path) as admin:
        assert admin.call("PING") == b"PONG"


def test_a_socket_in_use_is_left_alone(start, path):
    # Goal: a second server does not take the first one's. Method: 69, and the first one still answers.
    start("--admin-socket", path)
    code, output = harness.exit_of("--admin-socket", path, directory=harness.new_directory())
    assert code == 69 and "another process listens" in output
    with harness.Connection(path) as admin:
        assert admin.call("PING") == b"PONG"


def test_what_is_no_socket_is_left_alone(path, directory):
    # Goal: no file of anybody is removed. Method: a file, a directory, a link to a stale socket.
    path.write_text("mine")
    code, output = harness.exit_of("--admin-socket", path, directory=directory)
    assert code == 78 and "no socket" in output and path.read_text() == "mine"
    path.unlink()
    path.mkdir()
    code, output = harness.exit_of("--admin-socket", path, directory=directory)
    assert code == 78 and path.is_dir()
    path.rmdir()
    stale = path.with_name("stale")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    path.symlink_to(stale)
    code, output = harness.exit_of("--admin-socket", path, directory=directory)
    assert code == 78 and path.is_symlink() and stale.exists()


def test_a_socket_of_another_user_is_left_alone(path, directory):
    # Goal: only our own is replaced. Method: a stale one that was given to somebody else.
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    os.chown(path, 65_534, 65_534)
    code, output = harness.exit_of("--admin-socket", path, directory=directory)
    assert code == 78 and "another user" in output and path.exists()


def test_another_servers_file_is_not_removed(start, path):
    # Goal: a stop removes what it made, and nothing else. Method: a second server whose socket stands where the first
    # one's was.
    first = start("--admin-socket", path)
    path.unlink()
    start("--admin-socket", path, on=harness.new_directory())
    first.stop()
    with harness.Connection(path) as admin:
        assert admin.call("PING") == b"PONG"


@pytest.mark.parametrize("extra", [0, 1])
def test_a_path_that_is_too_long_is_refused_by_name(start, tmp_path, directory, extra):
    # Goal: the longest path serves, one byte more is refused with what to do. Method: both.
    path = tmp_path / ("s" * (PATH_BYTES + extra - len(str(tmp_path)) - 1))
    if extra:
        code, output = harness.exit_of("--admin-socket", path, directory=directory)
        assert code == 78 and "--admin-socket" in output and f"{PATH_BYTES} at most" in output
        assert not directory.exists()
    else:
        start("--admin-socket", path)
        assert path.exists()


def test_a_directory_that_is_not_there_is_named(path, directory):
    # Goal: 69 and the path. Method: a directory that nobody made.
    code, output = harness.exit_of("--admin-socket", path.parent / "none" / "admin.sock", directory=directory)
    assert code == 69 and "none/admin.sock" in output
