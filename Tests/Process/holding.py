"""Holds under the crash test: one connection that holds, confirms, releases and leaves codes alone, with an oracle of
its own.

The codes that go back are given again, so a code may have had several users, but never two at once.
"""

import random
import threading
from collections import Counter

import harness

CAMPAIGN = "booking"
LIST = "seats"
# Few enough that codes go round: what is released is given again within the same round. More come when half are gone.
CODES = 4_000
# Longer than any run: what is left alone is held to the end.
HOLD_FOR = "31d"
BATCH = 20
BATCHES_MAXIMUM = 150
OLDER_SAMPLE = 300
# Look-ups whose replies are awaited together.
PIPELINE = 200
CONFIRMED_SHARE, RELEASED_SHARE = 0.3, 0.5


class Holder:
    """What is known of every user's hold, over all rounds."""

    def __init__(self):
        # By user: the statuses that it may have, and its code when that is known.
        self.known = {}
        # Those whose status is not known for certain, or is new.
        self.unverified = set()
        # The others, who keep theirs for good: how many there are of each, and who has each code.
        self.verified = []
        self.counts = Counter()
        self.owners = {}
        self.uploads = 0
        self.dice = random.Random(0)
        self.failure = None

    def prepare(self, connection):
        connection.call("LIST", "CREATE", LIST, "UNIQUE")
        self._load(connection)
        connection.call("CAMPAIGN", "CREATE", CAMPAIGN, "LIST", LIST, "RETURNS", "reuse")

    def _load(self, connection):
        self.uploads += 1
        report = harness.get_upload(connection, LIST, harness.codes(CODES, f"S{self.uploads}-"))
        assert report[b"status"] == b"loaded", report

    def burst(self, server, seed):
        """Runs on a thread of its own until the server is gone. Join what this returns."""
        thread = threading.Thread(target=self._run, args=[server.port, random.Random(seed), seed], daemon=True)
        thread.start()
        return thread

    def _run(self, port, dice, seed):
        try:
            with harness.Connection(port) as connection:
                for number in range(BATCHES_MAXIMUM):
                    self._batch(connection, dice, f"{seed}.{number}")
        except (harness.Closed, ConnectionError):
            pass  # The end that is expected: the server was killed.
        except AssertionError as failure:
            self.failure = failure

    def _batch(self, connection, dice, name):
        """Holds for some users, and then what becomes of each."""
        users = [f"{name}.{index}" for index in range(BATCH)]
        self.unverified.update(users)
        for user in users:
            self.known[user] = ({None, "held"}, None)
        connection.send_bytes(b"".join(harness.encode("HOLD", CAMPAIGN, user, "FOR", HOLD_FOR) for user in users))
        held = []
        for user in users:
            reply = connection.read()
            if isinstance(reply, harness.ErrorReply):
                assert reply.word == "EXHAUSTED", reply
                self.known[user] = ({None}, None)
            else:
                self.known[user] = ({"held"}, reply)
                held.append(user)
        ends = [(user, self._end(dice)) for user in held]
        ends = [(user, command, status) for user, (command, status) in ends if command]
        for user, _, status in ends:
            self.known[user] = ({"held", status}, self.known[user][1])
        connection.send_bytes(b"".join(harness.encode(command, CAMPAIGN, user) for user, command, _ in ends))
        for user, _, status in ends:
            assert connection.read() == b"OK", user
            self.known[user] = ({status}, self.known[user][1])

    @staticmethod
    def _end(dice):
        share = dice.random()
        if share < CONFIRMED_SHARE:
            return "CONFIRM", "given"
        if share < CONFIRMED_SHARE + RELEASED_SHARE:
            return "RELEASE", "released"
        return None, "held"

    def verify(self, server, everything=False):
        """The holds of the last round, and a sample of the older ones, are what they may be; no code has two users;
        the ledger agrees."""
        if self.failure:
            raise self.failure
        older = self.verified if everything else self.dice.sample(self.verified, min(OLDER_SAMPLE, len(self.verified)))
        new = sorted(self.unverified)
        self.unverified.clear()
        asked = new + older
        for user, (status, found) in zip(asked, self._found(server, asked)):
            statuses, code = self.known[user]
            assert status in statuses, f"{user} is {status} and should be one of {statuses}"
            assert code is None or found == code, f"{user} had another code"
            self.known[user] = ({status}, found)
        for user in new:
            self._count(user)
        ledger = harness.ledger(server, LIST)
        assert (ledger["held"], ledger["given"]) == (self.counts["held"], self.counts["given"]), (ledger, self.counts)
        free = self.uploads * CODES - len(self.owners)
        assert ledger["burned"] == 0 and ledger["free"] == free, ledger
        if free < CODES / 2:
            with server.connect() as connection:
                self._load(connection)

    def _count(self, user):
        (status,), code = self.known[user]
        self.verified.append(user)
        self.counts[status] += 1
        if status in ("held", "given"):
            assert self.owners.setdefault(code, user) == user, f"{user} and {self.owners[code]} have one code"

    @staticmethod
    def _found(server, users):
        """The status and the code of each user; None for both when there is none."""
        found = []
        with server.connect() as connection:
            for start in range(0, len(users), PIPELINE):
                part = users[start : start + PIPELINE]
                connection.send_bytes(b"".join(harness.encode("USER", "HISTORY", user) for user in part))
                for user in part:
                    entries = [harness.as_map(entry) for entry in connection.read()]
                    assert len(entries) <= 1, f"{user} was held {len(entries)} codes"
                    found.append((entries[0][b"status"].decode(), entries[0][b"code"]) if entries else (None, None))
        return found
