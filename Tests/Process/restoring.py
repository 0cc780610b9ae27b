"""Backups under the crash test, and what is made of them, with an oracle of their own.

A backup is asked for at some moment of the load, and the kill comes when it comes. If the backup is whole, a
second server is made of it, and serves beside what is known of the first: it has all that was acknowledged before
the backup, and gives nobody a code that the first one has given since. It is thrown away then; the run goes on
with the first directory.
"""

import shutil
import subprocess

import harness

FRESH_USERS = 2_000
# A claim whose frame was lost in the kill is a hole below codes that were given: no more than were on their way.
IN_FLIGHT_MAXIMUM = 1_024


class Restorer:
    """The backups of a run."""

    def __init__(self, dice):
        self.dice = dice
        self.shelf = harness.new_directory()
        self.shelf.mkdir()
        self.name = None
        self.restores = 0
        self.cut_short = 0

    def send(self, server, number, owners):
        """Asks for a backup and does not wait for it."""
        self.name = f"round-{number}"
        self.owned_before = len(owners)
        self.connection = server.connect()
        self.connection.send("BACKUP", self.name)

    def wait(self):
        """Until the backup that was asked for is whole, or was refused because of a snapshot that is being
        written."""
        reply = self.connection.read()
        assert not isinstance(reply, harness.ErrorReply) or reply.word == "BUSY", reply

    def verify(self, campaign, owners, undone):
        """A server of the backup, if that is whole. `owners` are all, the oldest first; `undone`: with a
        withdrawal."""
        name, self.name = self.name, None
        if name is None or not (self.shelf / name / "BACKUP").exists():
            return
        since = len(owners) - self.owned_before
        burn = ["--burn-all"] if undone else ["--burn", since + IN_FLIGHT_MAXIMUM]
        with harness.Server(self._restore(name, burn)) as server, server.connect() as connection:
            before = [
                (user, code) for code, (of, user) in list(owners.items())[: self.owned_before] if of == campaign
            ]
            known = dict(self.dice.sample(before, min(FRESH_USERS, len(before))))
            replies = harness.allocate_all(connection, campaign, list(known))
            assert dict(zip(known, replies)) == known, f"{name} has lost what was acknowledged before it"
            fresh = harness.allocate_all(connection, campaign, [f"fresh-{number}" for number in range(FRESH_USERS)])
            given = [reply for reply in fresh if isinstance(reply, bytes)]
            assert len(given) == len(set(given)) == (0 if undone else FRESH_USERS), fresh[-1]
            twice = [code for code in given if code in owners]
            assert not twice, f"{len(twice)} codes are given again by a server of {name}, restored with {burn}"
        shutil.rmtree(server.directory)
        self.restores += 1

    def _restore(self, name, burn):
        """The backup's directory; some restores are killed first, which leaves a whole one or none to start on."""
        directory = harness.new_directory()
        words = [harness.TEAROFFCTL, "restore", "--backup", self.shelf / name, "--data", directory, *burn]
        if self.dice.random() < 0.5:
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            cut = subprocess.Popen([str(word) for word in words], **quiet)
            try:
                cut.wait(self.dice.uniform(0, 0.3))
            except subprocess.TimeoutExpired:
                cut.kill()
                cut.wait(harness.DEADLINE_SECONDS)
            if (directory / "IDENTITY").exists():
                return directory
            self.cut_short += 1
            code, said = harness.exit_of("--expect-data", directory=directory)
            assert code != 0, said
            shutil.rmtree(directory, ignore_errors=True)
        code, _, said = harness.offline_tool(*words[1:])
        assert code == 0, said
        return directory
