"""Encryption at rest: nothing of a code or a user is readable in the directory, a wrong key changes nothing, and a
changed file is told from a damaged one."""

import json
import threading

import pytest

import harness
from harness import content_of, exit_of, offline_tool

CODES = [f"SECRETCODE{number:05}" for number in range(400)]
USERS = [f"hidden-person-{number:04}@example.com" for number in range(120)]


@pytest.fixture
def key(tmp_path):
    """A file with a new key."""
    path = tmp_path / "key"
    assert offline_tool("key", "make", path)[0] == 0
    return path


def fill(server):
    """A bit of everything that a directory can hold, and what was said of it."""
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "hidden-list", "UNIQUE", "WARN", 390)
        connection.call("LIST", "CREATE", "hidden-fixed", "FIXED", "SECRETFIXED", 1000)
        session = connection.call("LIST", "LOAD", "hidden-list", "BEGIN", "hidden-file.txt")
        connection.call(
            "LIST", "LOAD", "hidden-list", "CHUNK", session, "".join(code + "\n" for code in CODES).encode()
        )
        connection.call("LIST", "LOAD", "hidden-list", "COMMIT", session)
        connection.call("LIST", "RECIPIENT", "hidden-list", "ADD", "WEBHOOK", "http://127.0.0.1:1/hidden-hook")
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "hidden-list")
        connection.call("CAMPAIGN", "CREATE", "greet", "LIST", "hidden-fixed")
        connection.call("CAMPAIGN", "SET", "greet", "TEST", "SECRETSAMPLE")
        told = {}
        for user in USERS[:60]:
            told[user] = connection.call("ALLOC", "summer", user, "USERID", "hidden-id-" + user[:18])
        connection.call("ALLOC", "greet", USERS[0])
        connection.call("SNAPSHOT")
        replies = harness.allocate_all(connection, "summer", USERS[60:])
        told.update(zip(USERS[60:], replies))
        connection.call("HOLD", "summer", "hidden-holder", "FOR", "1d")
        connection.call("ALLOC", "summer", "hidden-keyed", "KEY", "hidden-key-1")
        told["hidden-keyed"] = connection.call("ALLOC", "summer", "hidden-keyed")
    return told


def feed_of(connection):
    """Its events; None while it is being read."""
    try:
        return connection.call("FEED", "READ", 1, "COUNT", 1000)
    except harness.ErrorReply as error:
        assert error.word == "LOADING"
        return None


def secrets():
    return [word.encode() for word in [*CODES, *USERS]] + [b"SECRET", b"hidden-", b"example.com", b"example.org"]


def files_of(path):
    return [file for file in sorted(path.rglob("*")) if file.is_file()]


def assert_nothing_readable(path, except_for=()):
    for file in files_of(path):
        content = file.read_bytes()
        for secret in secrets():
            assert secret not in content or file.name in except_for, f"{secret} in {file.relative_to(path)}"
        for secret in [b"SECRET", b"hidden-"]:
            assert secret.decode() not in file.name


def test_nothing_is_readable_and_all_comes_back(start, key, tmp_path):
    # Goal: what the name promises. Method: a run with everything in it, killed; every code, user and name is looked
    # for in every file, also of a backup; a control without a key shows that they would be found.
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    server = start("--key-file", key, "--backup-directory", shelf, "--feed-repeats", "--threads", 2)
    told = fill(server)
    assert server.info()["encryption"] == "aes-256-gcm" and server.info()["data_key"] == 1
    harness.wait_until(
        lambda: server.info()["deliveries_open"] > 0 or server.info()["deliveries_dead"] > 0, "a warning"
    )
    server.call("BACKUP", "monday")
    server.kill()
    assert_nothing_readable(server.directory)
    assert_nothing_readable(shelf)
    assert (shelf / "monday" / "KEYS").read_bytes() == (server.directory / "KEYS").read_bytes()
    again = start("--key-file", key, "--backup-directory", shelf)
    with again.connect() as connection:
        for user, code in told.items():
            assert connection.call("ALLOC", "summer", user) == code
        events = harness.wait_until(lambda: feed_of(connection), "the feed is read")
        assert b"hidden-person-0003@example.com" in repr(events).encode()
    again.stop()
    assert_nothing_readable(again.directory)
    code, output, words = offline_tool("verify", "--data", again.directory, "--key-file", key)
    assert code == 0, words
    plain = start(on=harness.new_directory())
    fill(plain)
    plain.stop()
    found = b"".join(file.read_bytes() for file in files_of(plain.directory))
    # Of the users one whose frame was too small to be compressed.
    assert b"SECRETCODE00007" in found and USERS[3].encode() in found and b"hidden-list" in found


def test_a_wrong_key_changes_nothing(start, key, tmp_path):
    # Goal: each mistake has its own words and exit code. Method: no key, another one, a file that is none, a command
    # that fails, a key for a plain directory; the directory is compared byte by byte.
    server = start("--key-file", key)
    fill(server)
    server.stop()
    other = tmp_path / "other"
    assert offline_tool("key", "make", other)[0] == 0
    before = content_of(server.directory)
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for flags, code, words in [
        ([], 77, "is encrypted: give its key"),
        (["--key-file", other], 77, "wrong key"),
        (["--key-file", empty], 78, "64 hex digits"),
        (["--key-file", tmp_path / "none"], 78, "cannot be read"),
        (["--key-command", "exit 5"], 78, "ended with exit code 5"),
        (["--key-command", "yes"], 78, "more than 4096 bytes"),
        (["--key-file", key, "--key-command", "true"], 64, "give one of them"),
    ]:
        found, said = exit_of(*flags, directory=server.directory)
        assert found == code and words in said, (flags, said)
        assert key.read_text().strip() not in said
    for command in [["verify"], ["wal", "dump"], ["snapshot", "list"], ["key", "show"]]:
        assert offline_tool(*command, "--data", server.directory)[0] == 77, command
        assert offline_tool(*command, "--data", server.directory, "--key-file", other)[0] == 77, command
        assert offline_tool(*command, "--data", server.directory, "--key-file", empty)[0] == 74, command
        assert offline_tool(*command, "--data", server.directory, "--key-command", f"cat {key}")[0] == 0, command
    assert content_of(server.directory) == before
    plain = start(on=harness.new_directory())
    plain.stop()
    assert exit_of("--key-file", key, directory=plain.directory)[0] == 77
    assert offline_tool("verify", "--data", plain.directory, "--key-file", key)[0] == 77
    assert start("--key-command", f"cat {key}").info()["encryption"] == "aes-256-gcm"


def test_keys_change_and_rotate(start, key, tmp_path):
    # Goal: rotation loses nothing, at any point. Method: both kinds, offline and at a start, between lives.
    server = start("--key-file", key)
    told = fill(server)
    server.kill()
    second = tmp_path / "second"
    assert offline_tool("key", "make", second)[0] == 0
    assert offline_tool("key", "make", second)[0] == 74
    assert offline_tool("key", "rotate", "--data", server.directory)[0] == 64
    assert offline_tool("key", "rotate", "--data", server.directory, "--key-file", key)[0] == 0
    server = start("--key-file", key)
    assert server.info()["data_key"] == 2
    assert offline_tool("key", "rotate", "--data", server.directory, "--key-file", key)[0] == 75
    with server.connect() as connection:
        told["late"] = connection.call("ALLOC", "summer", "late")
        connection.call("SNAPSHOT")
    server.kill()
    change = ["key", "change", "--data", server.directory, "--key-file", key, "--new-key-file", second]
    assert offline_tool(*change)[0] == 0
    assert offline_tool(*change)[0] == 77
    assert exit_of("--key-file", key, directory=server.directory)[0] == 77
    third = tmp_path / "third"
    assert offline_tool("key", "make", third)[0] == 0
    flags = ["--key-file", third, "--previous-key-file", second]
    server = start(*flags)
    assert "directory.key-changed" in server.log
    server.kill()
    server = start(*flags)
    assert "directory.key-changed" not in server.log
    with server.connect() as connection:
        for user, code in told.items():
            assert connection.call("ALLOC", "summer", user) == code
    server.stop()
    code, output, _ = offline_tool("key", "show", "--data", server.directory, "--key-file", third, "--json")
    assert code == 0 and [line["state"] for line in json.loads(output)] == ["reads", "writes"]
    assert key.read_text().strip() not in output and third.read_text().strip() not in output


def test_backups_convert_in_both_directions(start, key, tmp_path):
    # Goal: an old directory becomes an encrypted one, and back. Method: plain, encrypted with one key, with another,
    # plain.
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    other = tmp_path / "other"
    assert offline_tool("key", "make", other)[0] == 0
    server = start("--backup-directory", shelf)
    told = fill(server)
    source = []
    for number, (target, made, flags) in enumerate(
        [
            (["--new-key-file", key], key, ["--key-file", key]),
            (["--new-key-file", other], other, ["--key-file", other]),
            (["--plain"], None, []),
        ]
    ):
        server.call("BACKUP", f"b{number}")
        server.stop()
        directory = harness.new_directory()
        restore = [
            "restore",
            "--backup",
            shelf / f"b{number}",
            "--data",
            directory,
            "--nothing-was-given-since",
            *target,
        ]
        if source:
            assert offline_tool(*restore)[0] == 77
        code, _, words = offline_tool(*restore, *source)
        assert code == 0, words
        if made:
            assert_nothing_readable(directory)
        server = start("--backup-directory", shelf, *flags, on=directory)
        with server.connect() as connection:
            for user, given in told.items():
                assert connection.call("ALLOC", "summer", user) == given
        source = flags
    assert b"SECRETCODE00007" in b"".join(file.read_bytes() for file in files_of(server.directory / "blobs"))


def crc32c(data, crc=0):
    """Castagnoli, bit by bit."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_alterations_are_told_from_damage(start, key):
    # Goal: an attacker's change is never served, and has its own words. Method: the last byte of a blob and of a
    # manifest flipped, with and without its checksum put right; the wrong frame likewise is in the Swift tests.
    server = start("--key-file", key)
    fill(server)
    server.call("SNAPSHOT")
    server.stop()
    blob = max(files_of(server.directory / "blobs"), key=lambda file: file.stat().st_size)
    for file in [blob, *files_of(server.directory / "snapshots")]:
        whole = file.read_bytes()
        for mends, words in [(False, "does not match its checksum"), (True, "altered on purpose")]:
            changed = bytearray(whole)
            changed[-10] ^= 1
            if mends:
                changed[-4:] = crc32c(changed[64:-4]).to_bytes(4, "little")
            file.write_bytes(changed)
            code, _, said = offline_tool("verify", "--data", server.directory, "--key-file", key)
            assert code == 3 and words in said and file.name in said, said
        if file == blob:
            code, said = exit_of("--key-file", key, directory=server.directory)
            assert code == 65 and "altered on purpose" in said, said
        file.write_bytes(whole)
    assert offline_tool("verify", "--data", server.directory, "--key-file", key)[0] == 0


def test_kills_under_load_lose_nothing(start, key):
    # Goal: a crash costs an encrypted directory what it costs any. Method: several SIGKILLs with a ledger outside.
    server = start("--key-file", key, "--threads", 2)
    harness.make_campaign(server, count=400_000)
    told = {}
    for life in range(5):
        ended = threading.Event()

        def serve(prefix, server=server):
            try:
                with server.connect() as connection:
                    number = 0
                    while not ended.is_set():
                        user = f"{prefix}-{number}"
                        told[user] = connection.call("ALLOC", "summer", user)
                        number += 1
            except (harness.Closed, OSError):
                pass

        threads = [threading.Thread(target=serve, args=(f"life{life}-{n}",)) for n in range(4)]
        before = len(told)
        for thread in threads:
            thread.start()
        harness.wait_until(lambda: len(told) > before + 200, "some are served")
        if life % 2:
            server.call("SNAPSHOT")
        server.kill()
        ended.set()
        for thread in threads:
            thread.join()
        server = start("--key-file", key, "--threads", 1 + life % 2)
        with server.connect() as connection:
            for user, code in told.items():
                assert connection.call("ALLOC", "summer", user) == code
        assert len(set(told.values())) == len(told)


def test_a_secret_of_a_command_is_not_kept(start, key):
    # Goal: no key in the log or in INFO. Method: both are searched.
    server = start("--key-command", f"cat {key}", "--log-level", "debug")
    fill(server)
    info = server.call("INFO").decode()
    server.stop()
    assert key.read_text().strip() not in server.log + info
