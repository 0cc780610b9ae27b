"""The power fails: what was acknowledged is there again, although nothing survives that was not synced."""

import os
import random
import time

import pytest

import harness
import powerloss

SEED = os.environ.get("TEAROFF_POWER_SEED", "20261126")
# Moments of one run of the suite; with 0 every one, which takes about a quarter of an hour.
MOMENTS = int(os.environ.get("TEAROFF_POWER_MOMENTS", "24"))
USERS = 40


class Story:
    """A run of every kind of change, and what was acknowledged of it until the power failed."""

    def __init__(self):
        self.codes = {}
        self.steps = []
        self.uploads = {}
        self.feed = []
        self.backups = []
        self.undone = False

    def run(self, server):
        with server.connect() as connection:
            for step in [
                self.make,
                self.give,
                self.hold,
                self.upload_more,
                self.snapshot,
                self.give,
                self.undo,
                self.edit,
                self.backup,
                self.give_many,
                self.snapshot,
                self.read_feed,
                self.give,
                self.archive,
                self.snapshot,
                self.give,
            ]:
                step(connection)
                self.steps.append(step.__name__)

    def make(self, connection):
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        self.load(connection, "june", "A", 300)
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june", "RETURNS", "reuse")
        connection.call("LIST", "CREATE", "old", "UNIQUE")
        self.load(connection, "old", "O", 10)
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        connection.call("LIST", "SET", "old", "EXPIRES", soon)

    def load(self, connection, name, prefix, count):
        report = harness.get_upload(connection, name, harness.codes(count, prefix))
        assert report[b"status"] == b"loaded"
        self.uploads.setdefault(name, []).append((report[b"upload"], count))

    def give(self, connection):
        for _ in range(USERS):
            user = f"u{len(self.codes)}"
            self.codes[user] = connection.call("ALLOC", "summer", user)

    def give_many(self, connection):
        users = [f"u{len(self.codes) + number}" for number in range(USERS)]
        for user, (code, status) in zip(users, connection.call("ALLOCMANY", "summer", *users)):
            assert status == b"new"
            self.codes[user] = code

    def hold(self, connection):
        for number in range(10):
            user = f"u{len(self.codes)}"
            code = connection.call("HOLD", "summer", user, "FOR", "1h")
            connection.call("CONFIRM", "summer", user)
            self.codes[user] = code
        connection.call("HOLD", "summer", "gone", "FOR", "1h")
        connection.call("RELEASE", "summer", "gone")

    def upload_more(self, connection):
        self.load(connection, "june", "B", 200)

    def undo(self, connection):
        connection.call("LIST", "UNDO", "june", self.uploads["june"][1][0])
        self.undone = True

    def edit(self, connection):
        connection.call("LIST", "SET", "june", "WARN", "7")

    def archive(self, connection):
        harness.wait_until(lambda: connection.call_map("LIST", "INFO", "old")[b"expired"] == 1, "the expiry")
        connection.call("LIST", "ARCHIVE", "old")

    def snapshot(self, connection):
        connection.call("SNAPSHOT")

    def backup(self, connection):
        connection.call("BACKUP", "monday")
        self.backups.append(("monday", dict(self.codes)))

    def read_feed(self, connection):
        reply = connection.call("FEED", "READ", "1", "COUNT", "500", "BLOCK", "1000")
        self.feed = self.events(reply)

    @staticmethod
    def events(reply):
        return harness.as_map(reply)[b"events"]

    def read_back(self, connection):
        """The feed from its beginning; None while it is still being read."""
        connection.send("FEED", "READ", "1", "COUNT", "500")
        reply = connection.read()
        if isinstance(reply, harness.ErrorReply):
            assert reply.word == "LOADING", reply
            return None
        return self.events(reply)

    def check(self, server, shelf):
        """The server has all that was acknowledged, and gives nobody a code of somebody else."""
        with server.connect() as connection:
            done = set(self.steps)
            if "make" not in done:
                return
            # The latest first: users that are asked for in the same order could get the same codes anew.
            users = list(reversed(self.codes))
            replies = harness.allocate_all(connection, "summer", users)
            lost = [user for user, reply in zip(users, replies) if reply != self.codes[user]]
            assert not lost, f"{len(lost)} of {len(self.codes)} acknowledged codes are lost, the first of {lost[0]}"
            info = connection.call_map("LIST", "INFO", "june")
            assert info[b"uploaded"] in (500, 300 if "upload_more" not in done else 500), info
            if self.undone:
                assert info[b"withdrawn"] > 0
            if "edit" in done:
                assert info[b"warn-at"] == 7, info
            if "archive" in done:
                assert connection.call_map("LIST", "INFO", "old")[b"archived-at"] is not None
            if self.feed:
                told = harness.wait_until(lambda: self.read_back(connection), "the feed")
                assert told[: len(self.feed)] == self.feed, "the feed tells another story"
            fresh = harness.allocate_all(connection, "summer", [f"fresh{number}" for number in range(600)])
            given = [reply for reply in fresh if isinstance(reply, bytes)]
            assert len(set(given)) == len(given) and set(given).isdisjoint(self.codes.values())
            harness.ledger(server)
        for name, codes in self.backups:
            restored = harness.new_directory()
            code, _, words = harness.offline_tool(
                "restore", "--backup", shelf / name, "--data", restored, "--nothing-was-given-since"
            )
            assert code == 0, words
            with harness.Server(restored) as again, again.connect() as connection:
                assert harness.allocate_all(connection, "summer", list(codes)) == list(codes.values())


@pytest.fixture
def shelf():
    path = harness.new_directory()
    path.mkdir()
    return path


def life(directory, shelf, cut):
    """One server until the power fails before its call number `cut`; the story, and how many calls there were."""
    power = powerloss.PowerLoss(directory.parent, shelf.parent)
    story = Story()
    flags = [*powerloss.FLAGS, "--threads", 2, "--backup-directory", shelf]
    try:
        with harness.Server(directory, *flags, environment=power.environment(cut)) as server:
            story.run(server)
            if not cut:
                server.kill()
    except (harness.Closed, AssertionError, OSError):
        if not cut or power.calls < cut - 1:
            raise
    calls = power.calls
    power.come_back()
    return story, calls


def moments():
    """The calls before which the power fails."""
    dice = random.Random(SEED)
    return [dice.random() for _ in range(MOMENTS)] if MOMENTS else None


def test_a_whole_life_without_a_stop_survives(directory, shelf):
    # Goal: the library sees what is synced, and all of it is enough. Method: power is lost behind the last reply.
    story, calls = life(directory, shelf, 0)
    assert calls > 300 and len(story.codes) > 4 * USERS and story.feed
    with harness.Server(directory, "--backup-directory", shelf) as server:
        story.check(server, shelf)


def test_power_is_lost_before_any_call(directory, shelf):
    # Goal: no order of writes and syncs that a reply could outrun. Method: a life that is cut before a call, of all
    # that change something on disk; then the next start, which is cut, too, before the third start checks.
    _, calls = life(directory, shelf, 0)
    chosen = [1 + int(share * calls) for share in moments()] if MOMENTS else range(1, calls + 1)
    for cut in chosen:
        directory, shelf = harness.new_directory(), harness.new_directory()
        shelf.mkdir()
        try:
            story, _ = life(directory, shelf, cut)
            again = powerloss.PowerLoss(directory.parent, shelf.parent)
            second = 1 + random.Random(f"{SEED}/{cut}").randrange(25)
            flags = [*powerloss.FLAGS, "--backup-directory", shelf]
            with harness.Server(directory, *flags, wait=False, environment=again.environment(second)) as server:
                harness.wait_until(
                    lambda: server.process.poll() is not None or any("server.ready" in line for line in server.lines),
                    "a start that is cut, or is not",
                )
                server.kill()
            again.come_back()
            with harness.Server(directory, "--backup-directory", shelf) as server:
                story.check(server, shelf)
        except BaseException:
            print(f"SEED={SEED} cut before call {cut} of {calls}; data: {directory}")
            raise
