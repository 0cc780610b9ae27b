"""Backups of a serving server, and what tearoffctl makes of them: no code is ever given again."""

import json
import os
import pty
import select
import shutil
import subprocess
import threading

import pytest

import harness
from harness import content_of, offline_tool


@pytest.fixture
def shelf():
    """A directory for backups."""
    path = harness.new_directory()
    path.mkdir()
    return path


@pytest.fixture
def restored():
    """A path for the directory that is restored; nothing is there yet."""
    return harness.new_directory()


def give_all(connection, prefix):
    """Asks as new users until the list is empty; returns the codes."""
    codes = []
    while True:
        replies = harness.allocate_all(connection, "summer", [f"{prefix}{len(codes)}-{n}" for n in range(64)])
        given = [reply for reply in replies if isinstance(reply, bytes)]
        codes += given
        if len(given) < len(replies):
            return codes


def test_a_restored_server_gives_no_code_again(start, shelf, restored):
    # Goal: the whole way, under load. Method: users are served while the backup is taken, and behind it; the restored
    # server burns as many as were given since, and is drained; a second start knows it, too.
    server = start("--backup-directory", shelf, "--threads", 2)
    harness.make_campaign(server, count=3_000)
    told = {}
    ended = threading.Event()

    def serve():
        with server.connect() as connection:
            number = 0
            while not ended.is_set() and number < 2_000:
                told[f"u{number}"] = connection.call("ALLOC", "summer", f"u{number}")
                number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    harness.wait_until(lambda: len(told) > 20, "some are served")
    before = len(told)
    code, output, words = offline_tool("backup", "monday", "--server", f"127.0.0.1:{server.port}", "--json")
    assert code == 0, words
    receipt = json.loads(output)
    assert receipt["backup"] == "monday" and receipt["linked"] == receipt["blobs"] > 0
    harness.wait_until(lambda: len(told) > before + 20, "some are served behind it")
    ended.set()
    thread.join()
    given = harness.ledger(server)["given"]
    assert given == len(told)
    # What is in the backup stays there when the server's own files go.
    server.kill()
    shutil.rmtree(server.directory)

    code, output, words = offline_tool(
        "restore", "--backup", shelf / "monday", "--data", restored, "--burn", given, "--json")
    assert code == 0, words
    june = next(line for line in json.loads(output) if line["list"] == "june")
    assert june["burned"] == given and june["free"] == 3_000 - given - june["given"]
    assert offline_tool("verify", "--data", restored)[0] == 0
    again = start(on=restored)
    with again.connect() as connection:
        assert connection.call("ALLOC", "summer", "u0") == told["u0"]
        fresh = give_all(connection, "new")
        trail = [harness.as_map(entry) for entry in connection.call("AUDIT", "READ")]
    assert set(fresh).isdisjoint(told.values()) and len(fresh) == len(set(fresh)) == june["free"]
    assert [entry[b"act"] for entry in trail].count(b"RESTORE") == 2
    again.kill()
    assert harness.ledger(start(on=restored))["burned"] == given


class Bustle:
    """Clients and an operator who make whatever a snapshot could catch half of, until they are told to end."""

    def __init__(self, server):
        self._server = server
        self._ended = threading.Event()
        self._faults = []
        self.rounds = [0, 0]
        works = [self._hold_and_release, self._make_lists]
        self._threads = [threading.Thread(target=self._run, args=pair) for pair in enumerate(works)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        words = ["ALLOC", "summer", "u__rand_int__", "KEY", "k__rand_int__"]
        self._keys = subprocess.Popen(
            ["redis-benchmark", "-p", str(self._server.port), "-n", "100000000", "-r", "100000000000", "-P", "16",
             "-q", *words], stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._keys.kill()
        self._keys.wait()
        for thread in self._threads:
            thread.join()
        assert not self._faults, self._faults

    def _run(self, index, work):
        try:
            with self._server.connect() as connection:
                while not self._ended.is_set():
                    work(connection, self.rounds[index])
                    self.rounds[index] += 1
        except Exception as error:  # noqa: BLE001, since the test's own thread tells it
            self._faults.append(error)

    @staticmethod
    def _all(connection, commands):
        connection.send_bytes(b"".join(harness.encode(*words) for words in commands))
        return [connection.read() for _ in commands]

    def _hold_and_release(self, connection, number):
        users = [f"h{number}-{index}" for index in range(32)]
        self._all(connection, [["HOLD", "again", user, "FOR", "1h"] for user in users])
        self._all(connection, [["RELEASE", "again", user] for user in users])

    def _make_lists(self, connection, number):
        name = f"list{number}"
        connection.call("LIST", "CREATE", name, "UNIQUE")
        harness.get_upload(connection, name, harness.codes(4, f"N{number}-"))
        connection.call("CAMPAIGN", "CREATE", name, "LIST", name)
        assert isinstance(connection.call("ALLOC", name, "somebody"), bytes)


def test_whatever_happens_meanwhile_a_backup_can_be_restored(start, shelf):
    # Goal: a snapshot makes sense without the log behind it. Method: backups while keys are used, codes go back and are
    # given again, and lists, uploads and campaigns come and are drawn from; each is restored.
    server = start("--backup-directory", shelf, "--threads", 2, "--snapshot-log-mib", 0)
    harness.make_campaign(server, count=2_000_000)
    harness.make_campaign(server, "again", 48, "small", prefix="S")
    server.call("CAMPAIGN", "SET", "again", "RETURNS", "reuse")
    names = [f"backup{number}" for number in range(6)]
    with Bustle(server) as bustle:
        for name in names:
            before = list(bustle.rounds)
            harness.wait_until(
                lambda: all(now > then + 2 for now, then in zip(bustle.rounds, before)), "something happens")
            server.call("BACKUP", name)
    server.kill()
    for name in names:
        target = harness.new_directory()
        code, _, words = offline_tool(
            "restore", "--backup", shelf / name, "--data", target, "--nothing-was-given-since")
        assert code == 0, words
    harness.ledger(start(on=target))


@pytest.mark.parametrize("choice", ["--burn-all", "--nothing-was-given-since"])
def test_all_or_nothing_is_burned(start, shelf, restored, choice):
    # Goal: the two other answers. Method: what the next user gets.
    server = start("--backup-directory", shelf)
    harness.make_campaign(server, count=10)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    server.call("BACKUP", "monday")
    server.stop()
    assert offline_tool("restore", "--backup", shelf / "monday", "--data", restored, choice)[0] == 0
    with start(on=restored).connect() as connection:
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001"
        if choice == "--burn-all":
            assert connection.error_of("ALLOC", "summer", "u2") == "EXHAUSTED"
        else:
            assert connection.call("ALLOC", "summer", "u2") == b"C00000002"


def test_where_a_backup_goes_is_the_operators(start, shelf, directory):
    # Goal: a client writes nowhere else. Method: no directory, names that lead out of it, one that is taken, and an
    # unmounted disk.
    with start().connect() as connection:
        assert connection.error_of("BACKUP", "monday") == "NOBACKUP"
    other = harness.new_directory()
    server = start("--backup-directory", shelf, on=other)
    with server.connect() as connection:
        for name in ["../monday", "/tmp/monday", "..", ".monday", "a/b", "", "x" * 65]:
            assert connection.error_of("BACKUP", name) == "SYNTAX", name
        assert list(shelf.iterdir()) == []
        assert connection.call_map("BACKUP", "monday")[b"snapshot"] == 1
        assert connection.error_of("BACKUP", "monday") == "EXISTS"
        shelf.rename(shelf.with_name(shelf.name + "-gone"))
        assert connection.error_of("BACKUP", "tuesday") == "NOBACKUP"
        assert connection.call_map("SNAPSHOT")[b"snapshot"] == 2


def test_backups_do_not_go_into_the_data_directory(start, directory):
    # Goal: the settings' contradiction is refused. Method: a directory inside.
    start().stop()
    inside = directory / "snapshots"
    code, words = harness.exit_of("--backup-directory", inside, directory=directory)
    assert code == 78 and "lies in the data directory" in words


def test_a_backup_is_never_served_as_it_is(start, shelf):
    # Goal: the easiest mistake is refused. Method: a start on it.
    server = start("--backup-directory", shelf)
    harness.make_campaign(server, count=10)
    server.call("BACKUP", "monday")
    before = content_of(shelf)
    code, words = harness.exit_of(directory=shelf / "monday")
    assert code == 73 and "tearoffctl restore" in words
    assert offline_tool("verify", "--data", shelf / "monday")[0] == 74
    assert content_of(shelf) == before


def test_every_damaged_file_of_a_backup_is_named(start, shelf, restored):
    # Goal: nothing is made of a backup that is not whole, and the file is told. Method: each file in turn: one byte
    # changed, then away.
    server = start("--backup-directory", shelf)
    harness.make_campaign(server, count=10)
    with server.connect() as connection:
        connection.call("ALLOC", "summer", "u1")
        connection.call("BACKUP", "monday")
    backup = shelf / "monday"
    files = [path for path in backup.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        content = path.read_bytes()
        # Not in place: the data directory has the same bytes.
        path.unlink()
        for damaged in [bytes([content[0] ^ 1]) + content[1:], None]:
            if damaged is not None:
                path.write_bytes(damaged)
            code, output, words = offline_tool("restore", "--backup", backup, "--data", restored, "--burn", 5)
            assert code == 3 and output == "", words
            assert path.name in words
            assert not restored.exists()
            path.unlink(missing_ok=True)
        path.write_bytes(content)
    assert offline_tool("restore", "--backup", backup, "--data", restored, "--burn", 5)[0] == 0


def test_a_restore_wants_an_empty_place_and_an_answer(start, shelf, restored):
    # Goal: exit codes, and nothing made. Method: nobody to ask, contradictions, and a directory with a file.
    server = start("--backup-directory", shelf)
    harness.make_campaign(server, count=10)
    server.call("BACKUP", "monday")
    backup = shelf / "monday"
    for words in [[], ["--burn", 0], ["--burn", 5, "--burn-all"], ["--burn-all", "--nothing-was-given-since"]]:
        code, _, said = offline_tool("restore", "--backup", backup, "--data", restored, *words)
        assert code == 64 and "--burn" in said
        assert not restored.exists()
    assert offline_tool("restore", "--backup", shelf, "--data", restored, "--burn", 5)[0] == 3
    restored.mkdir()
    (restored / "mine").write_text("x")
    code, _, said = offline_tool("restore", "--backup", backup, "--data", restored, "--burn", 5)
    assert code == 74 and "'mine'" in said
    assert content_of(restored).keys() == {"mine"}
    code, _, said = offline_tool("restore", "--backup", backup, "--data", server.directory, "--burn", 5)
    assert code == 74


def test_a_restore_asks_a_person(start, shelf, restored):
    # Goal: on a terminal it explains and takes an answer. Method: a pseudo terminal; a wrong answer, then "3".
    server = start("--backup-directory", shelf)
    harness.make_campaign(server, count=10)
    server.call("BACKUP", "monday")
    for answer, expected in [("perhaps", 64), ("3", 0)]:
        outside, inside = pty.openpty()
        process = subprocess.Popen(
            [str(w) for w in [harness.TEAROFFCTL, "restore", "--backup", shelf / "monday", "--data", restored]],
            stdin=inside, stderr=inside, stdout=subprocess.DEVNULL, close_fds=True,
        )
        os.close(inside)
        said = b""
        while b"How many" not in said:
            assert select.select([outside], [], [], harness.DEADLINE_SECONDS)[0], said
            said += os.read(outside, 4_096)
        assert b"must not be given again" in said and not restored.exists()
        os.write(outside, answer.encode() + b"\n")
        # What it says behind that is read away, so that it never waits for us.
        threading.Thread(target=drain, args=[outside], daemon=True).start()
        assert process.wait(harness.DEADLINE_SECONDS) == expected
    assert harness.ledger(start(on=restored))["burned"] == 3


def drain(descriptor):
    try:
        while os.read(descriptor, 4_096):
            pass
    except OSError:
        pass


def test_a_backup_that_is_cut_short_is_none(start, shelf, restored):
    # Goal: a SIGKILL at any moment of a backup leaves a whole one or none, and the server loses nothing. Method:
    # kills behind different numbers of files.
    server = start("--backup-directory", shelf)
    harness.make_campaign(server, count=2_000)
    with server.connect() as connection:
        harness.allocate_all(connection, "summer", [f"u{number}" for number in range(1_000)])
    whole = 0
    for files in range(12):
        name = f"kill-{files}"
        with server.connect() as connection:
            connection.send("BACKUP", name)
            place = shelf / name

            def written():
                return place.exists() and sum(1 for path in place.rglob("*") if path.is_file()) >= files

            harness.wait_until(lambda: written() or (place / "BACKUP").exists(), "some files")
            server.kill()
        code, _, words = offline_tool("restore", "--backup", place, "--data", restored, "--burn", 1)
        if (place / "BACKUP").exists():
            whole += 1
            assert code == 0, words
            shutil.rmtree(restored)
        else:
            assert code == 3 and "BACKUP" in words
            assert not restored.exists()
        server = start("--backup-directory", shelf)
        assert harness.ledger(server)["given"] == 1_000
    assert whole < 12
