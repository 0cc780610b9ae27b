"""Lists that are archived, returned and deleted under the crash test, with an oracle of their own.

The vault's codes go out in upload order, some in each round that has it, each acknowledged: so it is known to the
code what comes next, whether a kill left the list archived or not.
"""

import time

import harness

LIST, CAMPAIGN = "vault", "vaulted"
GONE, GONE_CAMPAIGN = "gone", "going"
# A thousand rounds take half of them.
CODES = harness.codes(20_000, "V")
USERS_PER_ROUND = 10


class Archivist:
    """What is known of the vault, and of the list that is deleted."""

    def __init__(self):
        self.order = CODES.split()
        self.given = {}
        self.unsure = False
        self.archives_met = 0
        self.deletions_met = 0

    def prepare(self, connection):
        connection.call("LIST", "CREATE", LIST, "UNIQUE")
        harness.get_upload(connection, LIST, CODES)
        connection.call("CAMPAIGN", "CREATE", CAMPAIGN, "LIST", LIST, "RETRIGGER", "once")

    def make_ready(self, server, number):
        """Gives some codes, and leaves the vault past its expiry and the other list without an active campaign."""
        with server.connect() as connection:
            self._give(connection, number)
            if not self._is_there(connection):
                connection.call("LIST", "CREATE", GONE, "UNIQUE")
                harness.get_upload(connection, GONE, b"\n".join(self.order[:500]))
                connection.call("CAMPAIGN", "CREATE", GONE_CAMPAIGN, "LIST", GONE)
                assert connection.call("ALLOC", GONE_CAMPAIGN, "u") == self.order[0]
                connection.call("CAMPAIGN", "FINISH", GONE_CAMPAIGN)
            # In whole seconds: at least one is left for a busy machine.
            text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
            connection.call("LIST", "SET", LIST, "EXPIRES", text)
            harness.wait_until(lambda: connection.call_map("LIST", "INFO", LIST)[b"expired"] == 1, "the expiry")
        self.unsure = True

    @staticmethod
    def send(operator, *more):
        """Asks for an archive and a deletion, and for a return when `more` says so; waits for none."""
        operator.send("LIST", "ARCHIVE", LIST)
        operator.send("LIST", "DELETE", GONE, "CONFIRM", GONE)
        if more:
            operator.send("LIST", "RETURN", LIST)

    def verify(self, server):
        if not self.unsure:
            return
        self.unsure = False
        with server.connect() as connection:
            info = connection.call_map("LIST", "INFO", LIST)
            assert info[b"given"] == len(self.given) and info[b"free"] == len(self.order) - len(self.given), info
            user, code = next(reversed(self.given.items()))
            (row,) = connection.call("USER", "HISTORY", user)
            assert harness.as_map(row)[b"code"] == code, "an archived code is another one on disk"
            if info[b"archived-at"] is not None:
                self.archives_met += 1
                assert connection.call("LIST", "RETURN", LIST) == b"OK"
            connection.call("LIST", "SET", LIST, "EXPIRES", "NEVER")
            if harness.as_map(connection.call("CAMPAIGN", "INFO", CAMPAIGN))[b"state"] == b"finished":
                connection.call("CAMPAIGN", "RESUME", CAMPAIGN)
            replies = harness.allocate_all(connection, CAMPAIGN, list(self.given))
            assert dict(zip(self.given, replies)) == self.given, "a user of the vault has another code"
            self._give(connection, "verified")
            if self._is_there(connection):
                ledger = connection.call_map("LIST", "INFO", GONE)
                assert (ledger[b"given"], ledger[b"free"]) == (1, 499), ledger
            else:
                self.deletions_met += 1
                assert connection.error_of("CAMPAIGN", "INFO", GONE_CAMPAIGN) == "NOCAMPAIGN"

    def _give(self, connection, name):
        users = [f"{name}.{len(self.given) + index}" for index in range(USERS_PER_ROUND)]
        replies = harness.allocate_all(connection, CAMPAIGN, users)
        expected = self.order[len(self.given) :][: len(users)]
        assert replies == expected, f"the vault gave {replies[:2]} where {expected[:2]} came next"
        self.given.update(zip(users, replies))

    @staticmethod
    def _is_there(connection):
        return any(harness.as_map(row)[b"name"] == GONE.encode() for row in connection.call("LIST", "ALL"))
