"""The crash test: SIGKILL at random moments under load, again and again, on one data directory.

A load process (load.py) keeps its own ledger of acknowledged replies. After each restart:
- every acknowledged allocation of the round, and a sample of the older ones, is its user's still;
- no code has two owners, over all rounds and campaigns;
- holds are held, given or gone back as it was acknowledged, and no code has two users at once (holding.py);
- an upload that was being withdrawn is so whole or not at all; its free codes come again in another one, and none
  twice;
- a list that was being archived, returned or deleted is so or not, and goes on with its next code (archiving.py);
- a backup that was being taken is whole or none, and a server that is made of it gives no code again (restoring.py);
- the list's ledger adds up, and `given` is the number of codes that are known to be given: the users whose
reply was lost are asked for again, so there is none that is not known.

The whole schedule (threads, mechanism, delays, users, snapshots, uploads, withdrawals, archives, backups, the
moment of the kill) follows from the seed; the same seed gives the same schedule.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass

import harness
from archiving import Archivist
from holding import Holder
from load import Load
from restoring import Restorer

CAMPAIGNS = ["summer", "winter"]
LIST = "june"
# Codes of an upload at most, and those that one run may give: every start reads them all.
UPLOAD_CODES_MAXIMUM = 60_000
CODES_MAXIMUM = 3_000_000
USERS_PER_ROUND_MAXIMUM = 20_000
OLDER_SAMPLE = 500
FOUND_SAMPLE = 5
KILL_AFTER_SECONDS_MAXIMUM = 0.35


@dataclass
class Schedule:
    """What one round does."""

    threads: int
    mechanism: str
    segment_kib: int
    flush_delay_microseconds: int
    snapshot_log_mib: int
    connections: int
    depth: int
    users: int
    kill_after_seconds: float
    kill_in_recovery_after_seconds: float | None
    snapshot_at: float | None
    upload_at: float | None
    undo_at: float | None
    archive_at: float | None
    return_too: bool
    backup_at: float | None
    # How long the load goes on behind a whole backup; None: the kill does not wait for it.
    serve_behind_backup_seconds: float | None

    @classmethod
    def of(cls, seed, number, rounds, storm):
        dice = random.Random(f"{seed}/{number}")
        connections = dice.randint(8, 16) if storm else dice.randint(1, 8)
        users = min(USERS_PER_ROUND_MAXIMUM, CODES_MAXIMUM // rounds)
        return cls(
            threads=2 if storm else dice.choice([1, 2, 2, 3, 4]),
            mechanism=dice.choice(["io_uring", "io_uring", "pwritev2"]),
            segment_kib=dice.choice([64, 256, 1_024]),
            flush_delay_microseconds=dice.choice([0, 0, 0, 300, 3_000]),
            snapshot_log_mib=dice.choice([0, 0, 1]),
            connections=connections,
            depth=dice.choice([4, 16, 64]) if storm else dice.choice([1, 8, 32, 64, 128]),
            users=users if storm else max(1, users // connections),
            kill_after_seconds=dice.uniform(0, KILL_AFTER_SECONDS_MAXIMUM),
            kill_in_recovery_after_seconds=dice.uniform(0, 0.1) if dice.random() < 0.15 else None,
            snapshot_at=dice.random() if dice.random() < 0.3 else None,
            upload_at=dice.random() if dice.random() < 0.15 else None,
            undo_at=dice.random() if dice.random() < 0.15 else None,
            archive_at=dice.random() if dice.random() < 0.4 else None,
            return_too=dice.random() < 0.4,
            backup_at=dice.random() if dice.random() < 0.2 else None,
            serve_behind_backup_seconds=dice.uniform(0, 0.2) if dice.random() < 0.7 else None,
        )

    def flags(self):
        return [
            "--threads",
            self.threads,
            "--log-mechanism",
            self.mechanism,
            "--segment-kib",
            self.segment_kib,
            "--test-flush-delay-microseconds",
            self.flush_delay_microseconds,
            "--snapshot-log-mib",
            self.snapshot_log_mib,
        ]


class CrashTest:
    """One run over many rounds; keeps what is known of every code."""

    def __init__(self, seed, rounds, storm=False, say=print):
        self.seed = seed
        self.rounds = rounds
        self.storm = storm
        self.say = say
        self.dice = random.Random(f"{seed}/samples")
        self.directory = harness.new_directory()
        # From each code that is known to be given to its campaign and user.
        self.owners = {}
        self.given = []
        # A third of the rounds loads one beside what is used up.
        self.upload_codes = min(UPLOAD_CODES_MAXIMUM, 3 * CODES_MAXIMUM // rounds)
        self.uploads = 0
        self.uploaded = 0
        self.unsure_upload = None
        # Codes that were withdrawn, and the upload whose withdrawal may not have survived: its number and its id.
        self.withdrawn = 0
        self.unsure_undo = None
        self.parked = 0
        self.holder = Holder()
        self.archivist = Archivist()
        self.restorer = Restorer(self.dice)

    # The run

    def run(self):
        started = time.monotonic()
        kills = 0
        load = None
        for number in range(self.rounds):
            schedule = Schedule.of(self.seed, number, self.rounds, self.storm)
            try:
                with self.start(schedule) as server:
                    self.verify(server, load)
                    load = self.burst(server, schedule, number)
                    kills += 1
                    self.note(load)
            except BaseException:
                self.say(f"round {number} of seed {self.seed} failed: {schedule}; data: {self.directory}")
                raise
            if (number + 1) % 10 == 0:
                self.say(
                    f"{number + 1} rounds, {len(self.owners)} codes given, {time.monotonic() - started:.0f} s"
                )
        with self.server("--threads", 2) as server:
            self.verify(server, load)
            self.verify_all(server)
            server.stop()
        return kills

    def start(self, schedule):
        """Starts the server; in some rounds it is killed while it recovers, and started once more."""
        if schedule.kill_in_recovery_after_seconds is not None and self.uploads > 0:
            with self.server(*schedule.flags(), wait=False) as server:
                time.sleep(schedule.kill_in_recovery_after_seconds)
                server.kill()
        return self.server(*schedule.flags())

    def server(self, *flags, **settings):
        return harness.Server(self.directory, "--backup-directory", self.restorer.shelf, *flags, **settings)

    def burst(self, server, schedule, number):
        """Load until the kill; snapshots, uploads, withdrawals, archives and backups get into its way."""
        self.prepare(server)
        wrong = self.load_one_more(server) if schedule.undo_at is not None else None
        if schedule.archive_at is not None:
            self.archivist.make_ready(server, number)
        with Load(
            server.port,
            seed=f"{self.seed}.{number}",
            connections=schedule.connections,
            depth=schedule.depth,
            campaigns=CAMPAIGNS,
            users=schedule.users,
            storm=self.storm,
        ) as load, server.connect() as operator:
            load.wait_acknowledged(1)
            holding = self.holder.burst(server, f"{self.seed}.{number}")
            events = [(schedule.kill_after_seconds, None)]
            if schedule.snapshot_at is not None:
                events.append((schedule.snapshot_at * schedule.kill_after_seconds, self.send_snapshot))
            if schedule.upload_at is not None:
                events.append((schedule.upload_at * schedule.kill_after_seconds, self.send_upload))
            if wrong is not None:
                moment = schedule.undo_at * schedule.kill_after_seconds
                events.append((moment, lambda operator: self.send_undo(operator, wrong)))
            if schedule.archive_at is not None:
                moment = schedule.archive_at * schedule.kill_after_seconds
                more = ["return"] if schedule.return_too else []
                events.append((moment, lambda operator: self.archivist.send(operator, *more)))
            if schedule.backup_at is not None:
                moment = schedule.backup_at * schedule.kill_after_seconds
                events.append((moment, lambda _: self.restorer.send(server, number, self.owners)))
            began = time.monotonic()
            for moment, action in sorted(events, key=lambda event: event[0]):
                # The random moment is the test's purpose: it is not waited for anything.
                time.sleep(max(0, began + moment - time.monotonic()))
                if action:
                    action(operator)
            if schedule.backup_at is not None and schedule.serve_behind_backup_seconds is not None:
                self.restorer.wait()
                time.sleep(schedule.serve_behind_backup_seconds)
            if self.storm and number % 5 == 4:
                self.parked += server.info()["allocations_parked"]
            server.kill()
            holding.join(harness.DEADLINE_SECONDS)
            return load.finish()

    def send_snapshot(self, operator):
        """Asks for a snapshot and does not wait for it."""
        operator.send("SNAPSHOT")

    def send_upload(self, operator):
        """Sends a whole upload and does not wait for the commit: it may or may not survive."""
        if self.unsure_upload is None:
            self.uploads += 1
            self.unsure_upload = self.upload_bytes(self.uploads)
            with_begin = harness.encode("LIST", "LOAD", LIST, "BEGIN", "more.txt")
            operator.send_bytes(with_begin)
            reply = operator.read()
            while not isinstance(reply, int):
                # A snapshot's reply comes first.
                reply = operator.read()
            for start in range(0, len(self.unsure_upload), 1 << 20):
                operator.send(
                    "LIST", "LOAD", LIST, "CHUNK", reply, self.unsure_upload[start : start + (1 << 20)]
                )
            operator.send("LIST", "LOAD", LIST, "COMMIT", reply)

    def load_one_more(self, server):
        """An upload that is to be withdrawn: its number and its id."""
        self.uploads += 1
        with server.connect() as connection:
            report = harness.get_upload(connection, LIST, self.upload_bytes(self.uploads))
        assert report[b"status"] == b"loaded", report
        self.uploaded += self.upload_codes
        return self.uploads, report[b"upload"]

    def send_undo(self, operator, wrong):
        """Asks for the withdrawal and does not wait for it."""
        self.unsure_undo = wrong
        operator.send("LIST", "UNDO", LIST, wrong[1])

    def upload_bytes(self, number):
        return harness.codes(self.upload_codes, f"K{number:05d}-")

    # What is known

    def own(self, code, owner):
        first = self.owners.get(code)
        if first is None:
            self.owners[code] = owner
            self.given.append(code)
        elif first != owner:
            raise AssertionError(f"a code was given to {first} and to {owner}")

    def note(self, load):
        assert not load.conflicts, load.conflicts[:3]
        assert not set(load.errors) - {"EXHAUSTED"}, load.errors
        for owner, code in load.acknowledged.items():
            self.own(code, owner)

    def ask(self, server, owners):
        """Allocates for each of these again; returns the replies."""
        replies = {}
        with server.connect() as connection:
            for campaign in CAMPAIGNS:
                users = [user for name, user in owners if name == campaign]
                for user, code in zip(users, harness.allocate_all(connection, campaign, users)):
                    replies[campaign, user] = code
        return replies

    def expect_owned(self, server, owned):
        """Every one of these has its code still."""
        for owner, code in self.ask(server, list(owned)).items():
            assert code == owned[owner], f"{owner} was acknowledged a code and now has another: {code!r:.40}"

    # The checks

    def verify(self, server, load):
        if load is None:
            return
        self.expect_owned(server, load.acknowledged)
        sample = self.dice.sample(self.given, min(OLDER_SAMPLE, len(self.given)))
        self.expect_owned(server, {self.owners[code]: code for code in sample})
        for owner, code in self.ask(server, load.unanswered).items():
            if isinstance(code, harness.ErrorReply):
                assert code.word == "EXHAUSTED", code
            else:
                self.own(code, owner)
        self.restorer.verify(CAMPAIGNS[0], self.owners, undone=self.unsure_undo is not None)
        self.settle_upload(server)
        self.settle_undo(server)
        self.archivist.verify(server)
        self.holder.verify(server)
        ledger = harness.ledger(server, LIST)
        assert ledger["uploaded"] == self.uploaded, ledger
        assert ledger["withdrawn"] == self.withdrawn, (ledger, self.withdrawn)
        assert ledger["given"] == len(self.owners), (ledger, len(self.owners))
        with server.connect() as connection:
            for code in sample[:FOUND_SAMPLE]:
                places = [harness.as_map(row) for row in connection.call("CODE", "FIND", code)]
                # It may have been withdrawn with one upload, and be given with the next.
                (place,) = [place for place in places if place[b"state"] != b"withdrawn"]
                owner = (place[b"campaign"].decode(), place[b"user"].decode())
                assert owner == self.owners[code], f"CODE FIND tells of {owner}"

    def settle_upload(self, server):
        """An upload whose reply was lost is there whole or not at all; the same file again makes it whole,
        once."""
        if self.unsure_upload is None:
            return
        data, self.unsure_upload = self.unsure_upload, None
        uploaded = harness.ledger(server, LIST)["uploaded"]
        assert uploaded in (self.uploaded, self.uploaded + self.upload_codes), uploaded
        with server.connect() as connection:
            status = harness.get_upload(connection, LIST, data)[b"status"]
        assert status == (b"loaded" if uploaded == self.uploaded else b"unchanged"), status
        self.uploaded += self.upload_codes

    def settle_undo(self, server):
        """Withdraws what was to be, and loads the file again: the codes that nobody has come back, and no others."""
        if self.unsure_undo is None:
            return
        (number, upload), self.unsure_undo = self.unsure_undo, None
        withdrawn = harness.ledger(server, LIST)["withdrawn"]
        with server.connect() as connection:
            row = harness.as_map(connection.call("LIST", "UNDO", LIST, upload)[0])
            assert withdrawn in (self.withdrawn, self.withdrawn + row[b"withdrawn"]), (withdrawn, row)
            self.withdrawn += row[b"withdrawn"]
            report = harness.get_upload(connection, LIST, self.upload_bytes(number), "SKIPBAD")
        assert report[b"codes"] == row[b"withdrawn"], (report, row)
        assert report[b"duplicate-in-list"] == self.upload_codes - row[b"withdrawn"], (report, row)
        self.uploaded += report[b"codes"]

    def verify_all(self, server):
        """At the end: every code of all rounds."""
        self.expect_owned(server, {owner: code for code, owner in self.owners.items()})
        self.holder.verify(server, everything=True)

    def prepare(self, server):
        """The list and the campaigns in the first round, and codes enough in every one."""
        with server.connect() as connection:
            if self.uploads == 0:
                connection.call("LIST", "CREATE", LIST, "UNIQUE")
                for campaign in CAMPAIGNS:
                    connection.call("CAMPAIGN", "CREATE", campaign, "LIST", LIST)
                self.holder.prepare(connection)
                self.archivist.prepare(connection)
            while self.uploaded - self.withdrawn - len(self.owners) < 2 * USERS_PER_ROUND_MAXIMUM + 10_000:
                self.uploads += 1
                status = harness.get_upload(connection, LIST, self.upload_bytes(self.uploads))[b"status"]
                assert status == b"loaded", status
                self.uploaded += self.upload_codes


def commit_name():
    git = subprocess.run(
        ["git", "-C", harness.ROOT, "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return git.stdout.strip() or "unknown"


def main():
    parser = argparse.ArgumentParser(
        prog="crash-test",
        description="Kills the server at random moments under load, and checks that nothing is lost "
        "and no code is given twice.",
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument(
        "--seed", default=str(int.from_bytes(os.urandom(4), "little")), help="a random one if none"
    )
    parser.add_argument("--storm", action="store_true", help="the same users over many connections at once")
    settings = parser.parse_args()
    print(f"SEED={settings.seed} COMMIT={commit_name()} ROUNDS={settings.rounds}", flush=True)
    test = CrashTest(settings.seed, settings.rounds, settings.storm, say=lambda text: print(text, flush=True))
    try:
        kills = test.run()
    except AssertionError:
        traceback.print_exc()
        kept = harness.SCRATCH / f"kept-{settings.seed}"
        shutil.rmtree(kept, ignore_errors=True)
        if test.directory.exists():
            test.directory.rename(kept)
        storm = " --storm" if settings.storm else ""
        again = f"./tools/crash-test --rounds {settings.rounds} --seed {settings.seed}{storm}"
        sys.exit(f"FAILED. Again: {again}\nThe data directory as it was left: {kept}")
    parked = f", {test.parked} commands parked in the rounds looked at" if settings.storm else ""
    print(
        f"{kills} kills, {len(test.owners)} codes given, none twice, none lost{parked}. SEED={settings.seed}"
    )


if __name__ == "__main__":
    main()
