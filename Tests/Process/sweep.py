"""The sweep of system calls: a workload of every kind of operation on a real server, of which one system call on
the data directory fails, for each call and each error in turn.

failing_calls.c, loaded before the C library, counts the calls and fails the n-th. Two ways through a server's life:

- `life`: from an empty directory over the workload to a clean stop;
- `start`: a directory with everything in it, whose server was killed, is started, used once and stopped.

Whatever fails, then:
- the server refuses to start, or ends, with the exit code of a failed read or write and a message that names the
  file; or it goes on: the command was answered with an error and can be sent again, or the failure concerned nothing
  that was asked for;
- it never dies of a signal, and is never ready with less than there was;
- the next start, in which nothing fails, has every acknowledged code at its user, no code twice, a ledger that adds
  up and only whole uploads, and `tearoffctl verify` finds no damage.

Which calls are counted as the n-th depends a little on the order of threads; over a sweep every call has its turn.
"""

import argparse
import errno
import mmap
import pathlib
import random
import shutil
import struct
import sys
import time
import traceback

import harness
from crash import commit_name

SOURCE = pathlib.Path(__file__).with_name("failing_calls.c")
ERRORS = ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR", "EAGAIN"]
SHORT = ["short0", "short1", "short2"]
WAYS = ["life", "start"]
# Of a failed read or write.
REFUSALS = {65, 74}
FLAGS = ["--threads", "1", "--log-mechanism", "pwritev2", "--segment-kib", "64", "--shards", "2"]


class Report:
    """What the library tells: how many calls there were, and which failed."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(4096))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 4096)

    @property
    def count(self):
        return struct.unpack_from("<Q", self._page, 0)[0]

    @property
    def failed(self):
        return struct.unpack_from("<Q", self._page, 8)[0] > 0

    @property
    def what(self):
        return self._page[16 : 16 + 1024].split(b"\0", 1)[0].decode()


class Ended(Exception):
    """The server has ended, or ends."""


class Run:
    """One server's life in which one call fails."""

    def __init__(self, library, way, call, failure, original=None):
        self.library, self.way, self.call, self.failure = library, way, call, failure
        self.original = original
        self.place = harness.new_directory().parent
        self.directory = self.place / "data"
        self.backups = self.place / "backups"
        self.backups.mkdir()
        self.report = Report(self.place / "report")
        # By campaign and user.
        self.told = dict(original.told) if original else {}
        self.released = set(original.released) if original else set()
        # Where all calls are told to.
        self.trace = None
        self.connection = None
        self.server = None

    def __str__(self):
        return f"{self.way}, call {self.call}, {self.failure}: {self.report.what}"

    def run(self):
        """Lives, and starts again without a failure. - Returns whether the call was reached."""
        if self.original:
            shutil.copytree(self.original.directory, self.directory)
        code = self.live()
        self.check_end(code)
        self.check_again()
        return self.report.failed

    def cleanup(self):
        if self.server:
            self.server.close()
        shutil.rmtree(self.place, ignore_errors=True)

    # MARK: - The life

    def environment(self):
        number = self.failure if self.failure in SHORT else str(getattr(errno, self.failure))
        return {
            "LD_PRELOAD": str(self.library), "TEAROFF_FAIL_UNDER": str(self.directory),
            "TEAROFF_FAIL_CALL": str(self.call), "TEAROFF_FAIL_WITH": number,
            "TEAROFF_FAIL_REPORT": str(self.report.path),
            **({"TEAROFF_FAIL_TRACE": str(self.trace)} if self.trace else {}),
        }

    def live(self):
        flags = [*FLAGS, "--backup-directory", self.backups, "--feed-repeats"]
        self.server = harness.Server(self.directory, *flags, wait=False, environment=self.environment())
        try:
            self.server.wait_ready()
        except AssertionError:
            return self.server.wait_exit()
        try:
            self.connection = self.server.connect()
            for operation in WORKLOAD if self.way == "life" else AFTERWARDS:
                operation(self)
            self.connection.close()
            self.server.signal(15)
        except (Ended, harness.Closed, OSError):
            pass
        return self.server.wait_exit()

    def ask(self, *words):
        """A command, and once more when it was answered with an error that a failed call may lead to."""
        return self.again(lambda: self.connection.call(*words))

    def again(self, body):
        """Does it, and once more when it failed as a failed call may have it fail. When the log has failed, the server
        ends, and whoever waits for that sees whether it does."""
        try:
            return body()
        except harness.ErrorReply:
            if not self.report.failed:
                raise
        try:
            return body()
        except harness.ErrorReply as error:
            if error.word in ("DISKERR", "SHUTDOWN"):
                raise Ended from error
            raise

    def give(self, campaign, user, *words, verb="ALLOC"):
        code = self.ask(verb, campaign, user, *words)
        key = (campaign, user)
        assert self.told.setdefault(key, code) == code, f"{key} was told {self.told[key]} and {code}"

    def load(self, name, content, *options, begin=("LOAD",)):
        return self.again(lambda: self._load(name, content, options, begin))

    def _load(self, name, content, options, begin):
        connection = self.connection
        if begin == ("LOAD",):
            upload = connection.call("LIST", "LOAD", name, "BEGIN", "codes.txt")
        else:
            upload = connection.call("LIST", "IMPORT", name, "given.csv")
        connection.call("LIST", "LOAD", name, "CHUNK", upload, content)
        outcome = connection.call_map("LIST", "LOAD", name, "COMMIT", upload, *options)
        assert outcome[b"status"] == b"loaded", outcome
        return outcome

    # MARK: - What must be so

    def check_end(self, code):
        log = self.server.log
        if code < 0:
            raise AssertionError(f"it died of signal {-code}\n{log}")
        if code == 0:
            return
        assert self.report.failed, f"exit code {code} though nothing failed\n{log}"
        assert code in REFUSALS, f"exit code {code}\n{log}"
        path = pathlib.Path(self.report.what.split(" ", 1)[1])
        # A file under way may be told by the name that it was to get, a segment by its lane.
        name = "." if path == self.directory else path.name.removesuffix(".tmp")
        assert f" {name}" in log or f"/{name}" in log or "lane" in log, f"the message does not name {name}\n{log}"

    def check_again(self):
        with harness.Server(self.directory, *FLAGS) as server, server.connect() as connection:
            for (campaign, user), code in self.told.items():
                if (campaign, user) in self.released:
                    continue
                history = connection.call("USER", "HISTORY", user)
                codes = [harness.as_map(entry)[b"code"] for entry in history]
                assert code in codes, f"{campaign}/{user} was told {code}, and has {codes}"
            lists = [harness.as_map(entry) for entry in connection.call("LIST", "ALL")]
            for entry in lists:
                parts = sum(entry[part] for part in [b"free", b"held", b"given", b"withdrawn", b"burned"])
                assert entry[b"uploaded"] == parts, entry
                if entry[b"name"] == b"june":
                    # 20, then 2, then 2 that were given elsewhere.
                    assert entry[b"uploaded"] in (0, 20, 22, 24), entry
            self.check_owners(connection, lists)
            server.stop()
        code, words, errors = harness.offline_tool("verify", "--data", self.directory)
        assert code == 0, f"verify: {code}\n{words}\n{errors}"

    def check_owners(self, connection, lists):
        """No code of the list is two users'; a new user gets one that nobody has."""
        owned = {}
        if not any(entry[b"name"] == b"june" for entry in lists):
            return
        export = harness.as_map(
            connection.call("EXPORT", "BEGIN", "june", "GIVEN", "COLUMNS", "coupon-code,external-id"))
        text = b""
        while piece := connection.call("EXPORT", "READ", export[b"export"]):
            text += piece
        for line in text.decode().splitlines()[1:]:
            code, user = line.split(",")
            assert owned.setdefault(code, user) == user, f"{code} is {owned[code]}'s and {user}'s"
        campaigns = [harness.as_map(entry) for entry in connection.call("CAMPAIGN", "ALL")]
        if any(entry[b"name"] == b"summer" and entry[b"state"] == b"active" for entry in campaigns):
            connection.send("ALLOC", "summer", "someone-new")
            code = connection.read()
            assert isinstance(code, harness.ErrorReply) or code.decode() not in owned, code


# MARK: - The workload


def lists(run):
    run.ask("LIST", "CREATE", "june", "UNIQUE", "WARN", "3")
    run.load("june", harness.codes(20))
    run.ask("LIST", "CREATE", "one", "FIXED", "HELLO", "50")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1.3))
    run.ask("LIST", "CREATE", "old", "UNIQUE", "EXPIRES", soon)
    run.load("old", harness.codes(3, "O"))
    run.ask("CAMPAIGN", "CREATE", "summer", "LIST", "june", "RETRIGGER", "once")
    run.ask("CAMPAIGN", "CREATE", "book", "LIST", "june", "RETURNS", "reuse")
    run.ask("CAMPAIGN", "CREATE", "hello", "LIST", "one")
    run.ask("LIST", "RECIPIENT", "june", "ADD", "EMAIL", "ops@example.org")


def allocations(run):
    run.give("summer", "u1")
    run.give("summer", "u1")
    run.give("summer", "u2", "USERID", "m2")
    run.give("summer", "u3", "KEY", "k3")
    run.give("summer", "u3", "KEY", "k3")
    for user, (code, _) in zip(["u1", "u4"], run.ask("ALLOCMANY", "summer", "u1", "u4")):
        assert run.told.setdefault(("summer", user), code) == code
    run.give("hello", "u1")


def holds(run):
    run.give("book", "h1", "FOR", "1h", verb="HOLD")
    run.give("book", "h2", "FOR", "1h", verb="HOLD")
    run.ask("CONFIRM", "book", "h1")
    run.released.add(("book", "h2"))
    run.ask("RELEASE", "book", "h2")


def edits(run):
    run.ask("LIST", "SET", "june", "PERUSER", "9")
    run.ask("CAMPAIGN", "SET", "summer", "QUOTA", "1000")
    run.ask("LIST", "SET", "one", "LIMIT", "60")
    wrong = run.load("june", harness.codes(2, "L"))
    run.ask("LIST", "UNDO", "june", wrong[b"upload"])
    run.load("june", b"I1,i1,summer,2020-05-01T10:00:00Z\nI2,i2,summer,2020-05-01T10:00:00Z\n", begin=("IMPORT",))
    run.told[("summer", "i1")] = b"I1"


def snapshots(run):
    for number in range(3):
        run.ask("SNAPSHOT")
        run.give("summer", f"s{number}")
    # One that was cut short is never written into again.
    names = iter(["monday", "tuesday"])
    run.again(lambda: run.connection.call("BACKUP", next(names)))


def feed(run):
    """What it tells; nothing while a call that failed has it not begun, which is tried again in a second."""
    try:
        return run.ask("FEED", "READ", "1", "BLOCK", "2000")
    except harness.ErrorReply as error:
        if error.word != "LOADING":
            raise
        return None


def reading(run):
    harness.wait_until(lambda: feed(run), "the feed")
    assert run.ask("AUDIT", "CHECK")
    export = harness.as_map(run.ask("EXPORT", "BEGIN", "june", "ALL"))
    while run.ask("EXPORT", "READ", export[b"export"]):
        pass
    run.ask("DELIVERY", "INFO")


def archive(run):
    harness.wait_until(lambda: harness.as_map(run.ask("LIST", "INFO", "old"))[b"expired"] == 1, "the expiry")
    run.ask("LIST", "ARCHIVE", "old")
    run.ask("CODE", "FIND", "O00000001")
    run.ask("LIST", "RETURN", "old")
    run.ask("LIST", "DELETE", "old", "CONFIRM", "old")
    run.give("summer", "last")


def afterwards(run):
    for key, code in list(run.told.items()):
        if key[0] == "summer" and not key[1].startswith("i"):
            run.give(*key)
            assert run.told[key] == code
    run.give("summer", "later")
    run.ask("SNAPSHOT")


WORKLOAD = [lists, allocations, holds, edits, snapshots, reading, archive]
AFTERWARDS = [afterwards]


# MARK: - Sweeps


class Sweep:
    """All runs of one way, or some of them."""

    def __init__(self, seed, say=print):
        self.seed = seed
        self.say = say
        self.library = harness.preloadable(SOURCE)
        self.failures = 0
        self.runs = 0

    def close(self):
        self.library.unlink(missing_ok=True)

    def original(self):
        """A directory with everything in it, whose server was killed."""
        run = Run(self.library, "life", 0, "EIO")
        run.server = harness.Server(
            run.directory, *FLAGS, "--backup-directory", run.backups, environment=run.environment())
        run.connection = run.server.connect()
        for operation in WORKLOAD:
            operation(run)
        run.server.kill()
        return run

    def sweep(self, way, failure, step=1):
        """Every `step`-th call, beginning with one by chance, until a run comes to its end untouched.

        - Returns how many calls there were."""
        original = self.original() if way == "start" else None
        call = random.Random(f"{self.seed}/{way}/{failure}").randint(1, step)
        reached = True
        while reached:
            run = Run(self.library, way, call, failure, original)
            try:
                reached = run.run()
            except Exception as error:  # whatever it is, the others are still to be run
                self.failures += 1
                reached = run.report.failed
                where = f"SEED={self.seed} COMMIT={commit_name()} {run}"
                self.say(f"{where}\n{error}\n{''.join(traceback.format_exception(error)[-2:])}")
                if run.server:
                    self.say(run.server.log)
            finally:
                count = run.report.count
                run.cleanup()
            self.runs += 1
            call += step
        if original:
            original.cleanup()
        return count


def main():
    parser = argparse.ArgumentParser(description="Fails each system call on a data directory in turn.")
    parser.add_argument("--way", choices=WAYS, action="append", help="both, if none is named")
    parser.add_argument("--failure", choices=ERRORS + SHORT, action="append", help="all, if none is named")
    parser.add_argument("--step", type=int, default=1, help="every so-many-th call")
    parser.add_argument("--seed", default=str(random.randrange(1 << 32)))
    arguments = parser.parse_args()
    sweep = Sweep(arguments.seed)
    for way in arguments.way or WAYS:
        for failure in arguments.failure or ERRORS + SHORT:
            count = sweep.sweep(way, failure, arguments.step)
            print(f"{way}, {failure}: {count} calls; {sweep.runs} runs so far, {sweep.failures} failed", flush=True)
    sweep.close()
    sys.exit(sweep.failures > 0)


if __name__ == "__main__":
    main()
