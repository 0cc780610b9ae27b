"""A restart changes nothing, with whatever threads, mechanism or snapshots the lives before and behind it
run."""

import hashlib

import pytest

import harness

LOOK_UPS = [("LIST", "ALL"), ("CAMPAIGN", "ALL"), ("USER", "HISTORY", "u1"), ("CODE", "FIND", "C00000001")]
USERS = [f"user-{number}" for number in range(2_000)]


def give(server, users, campaign="summer"):
    with server.connect() as connection:
        return dict(zip(users, harness.allocate_all(connection, campaign, users)))


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("mechanism", ["io_uring", "pwritev2"])
def test_the_window_holds_across_a_restart(start, mechanism, end):
    # Goal: the same codes for the same users, the next one for a new user. Method: both mechanisms, both
    # ends.
    server = start("--log-mechanism", mechanism)
    assert server.info()["log_mechanism"] == mechanism
    harness.make_campaign(server, count=10_000)
    given = give(server, USERS)
    getattr(server, end)()
    again = start("--log-mechanism", mechanism)
    assert give(again, USERS) == given
    assert again.call("ALLOC", "summer", "somebody-new") == b"C00002001"
    assert harness.ledger(again)["given"] == 2_001


def test_a_short_window_ends_across_a_restart(start):
    # Goal: the window counts from when the code was given, not from the start. Method: a window of 300 ms.
    server = start()
    harness.make_campaign(server, rule="window 300ms")
    first = server.call("ALLOC", "summer", "u1")
    server.kill()
    again = start()
    second = harness.wait_until(
        lambda: (code := again.call("ALLOC", "summer", "u1")) != first and code, "the window has ended"
    )
    with again.connect() as connection:
        history = [harness.as_map(entry)[b"code"] for entry in connection.call("USER", "HISTORY", "u1")]
    assert history == [first, second], "oldest first"


@pytest.mark.parametrize("rule", ["once", "always", "until-expiry", "window 24h"])
def test_rules_survive_a_restart(start, rule):
    # Goal: the campaign's rule is kept. Method: ask twice before and twice behind a kill.
    server = start()
    harness.make_campaign(server, rule=rule)
    given = [server.call("ALLOC", "summer", "u1") for _ in range(2)]
    server.kill()
    again = start()
    given += [again.call("ALLOC", "summer", "u1") for _ in range(2)]
    assert len(set(given)) == (4 if rule == "always" else 1)
    with again.connect() as connection:
        assert connection.call_map("CAMPAIGN", "INFO", "summer")[b"retrigger"] == rule.encode()


def test_the_number_of_loops_may_change_at_every_start(start):
    # Goal: lanes of any number are merged. Method: 1, 4, 2, 3, 1 loops, users old and new each time.
    known = {}
    for life, threads in enumerate([1, 4, 2, 3, 1]):
        server = start("--threads", threads, "--log-mechanism", ["io_uring", "pwritev2"][life % 2])
        if life == 0:
            harness.make_campaign(server, count=10_000)
        assert give(server, list(known)) == known
        for part in range(4):
            # Several connections, so that several loops have a share.
            known.update(give(server, [f"{life}-{part}-{number}" for number in range(200)]))
        server.kill()
    assert sorted(known.values()) == [b"C%08d" % number for number in range(1, 4_001)]
    assert give(start("--threads", 2), list(known)) == known


def test_snapshots_and_the_log_behind_them_make_the_whole(start, directory):
    # Goal: a start from a snapshot and the log behind it knows everything. Method: three lives with snapshots
    # between allocations; the log that is covered goes, two snapshots stay.
    known = {}
    for life in range(3):
        server = start("--threads", 2)
        if life == 0:
            harness.make_campaign(server, count=10_000)
        for part in range(3):
            known.update(give(server, [f"{life}-{part}-{number}" for number in range(300)]))
            with server.connect() as connection:
                assert connection.call_map("SNAPSHOT")[b"snapshot"] == 3 * life + part + 1
        known.update(give(server, [f"{life}-behind-{number}" for number in range(300)]))
        assert server.info()["snapshot_latest"] == 3 * life + 3
        server.kill()
        assert len(list((directory / "snapshots").iterdir())) == 2
    server = start()
    line = server.wait_log("recovery.done")
    assert "rows_from_snapshot=3300" in line and "rows_from_log=300" in line
    assert give(server, list(known)) == known
    assert harness.ledger(server)["given"] == 3_600


def test_a_damaged_snapshot_falls_back_to_the_one_before(start, directory):
    # Goal: two snapshots are kept for this. Method: damage the newest; everything is there, and it is told
    # loudly.
    server = start()
    harness.make_campaign(server, count=10_000)
    known = {}
    for part in range(2):
        known.update(give(server, [f"{part}-{number}" for number in range(500)]))
        server.call("SNAPSHOT")
    known.update(give(server, USERS))
    server.stop()
    newest = max((directory / "snapshots").iterdir())
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    again = start()
    assert "error" in again.wait_log("recovery.snapshot-unusable")
    assert give(again, list(known)) == known


def test_snapshots_come_by_themselves(start, directory):
    # Goal: the log is bounded without anybody's doing. Method: --snapshot-log-mib 1, more log than that;
    # segments and rows at the next start.
    server = start("--snapshot-log-mib", 1)
    harness.make_campaign(server, count=200_000)
    known = {}
    for part in range(12):
        # Names that zstd cannot make small.
        names = [hashlib.sha256(f"{part}-{number}".encode()).hexdigest() for number in range(10_000)]
        known.update(give(server, names))
    harness.wait_until(lambda: server.info()["snapshot_latest"] > 0, "a snapshot was written")
    harness.wait_until(lambda: server.info()["snapshot_in_progress"] == 0, "and it is done")
    server.kill()
    again = start()
    assert "rows_from_snapshot=0" not in again.wait_log("recovery.done")
    assert give(again, list(known)[::100]) == {user: known[user] for user in list(known)[::100]}


def test_snapshots_do_not_disturb_a_burst(start):
    # Goal: no pause and no lost reply. Method: snapshots one behind the other, while users are served.
    server = start("--threads", 2)
    harness.make_campaign(server, count=200_000)
    known = {}
    with server.connect() as operator:
        for part in range(20):
            operator.send("SNAPSHOT")
            known.update(give(server, [f"{part}-{number}" for number in range(2_000)]))
            assert harness.as_map(operator.read())[b"snapshot"] == part + 1
    server.kill()
    assert give(start(), list(known)) == known


def test_operators_changes_survive_a_kill(start):
    # Goal: every change that was answered is there. Method: one of each kind, SIGKILL behind the last reply.
    server = start()
    harness.make_campaign(server)
    with server.connect() as connection:
        connection.call(
            "LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 50, "WARN", 5, "EXPIRES", "2035-12-31"
        )
        connection.call("CAMPAIGN", "CREATE", "ten", "LIST", "ten-off", "RETRIGGER", "once")
        connection.call("ALLOC", "ten", "u1", "USERID", "crm-7")
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001"
        connection.call("LIST", "SET", "june", "EXPIRES", "2036-01-31T12:00Z")
        connection.call("CAMPAIGN", "FINISH", "summer")
        before = [connection.call(*words) for words in LOOK_UPS]
    server.kill()
    with start().connect() as connection:
        assert before == [connection.call(*words) for words in LOOK_UPS]
        assert connection.error_of("ALLOC", "summer", "somebody-new") == "FINISHED"
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001", "a repeat is still given"
        assert connection.call("CAMPAIGN", "RESUME", "summer") == b"OK"
        assert connection.call("ALLOC", "summer", "somebody-new") == b"C00000002"
        assert harness.as_map(connection.call("USER", "HISTORY", "u1")[0])[b"user-id"] == b"crm-7"


def test_no_code_stands_in_the_log(start):
    # Goal: codes are bearer values. Method: everything that a busy life prints, at the most talkative level.
    server = start("--log-level", "debug")
    harness.make_campaign(server, count=100, prefix="SECRET")
    replies = give(server, [f"u{number}" for number in range(101)])
    server.call("CODE", "FIND", "SECRET00000001")
    server.call("SNAPSHOT")
    server.stop()
    again = start("--log-level", "debug")
    assert sum(isinstance(reply, harness.ErrorReply) for reply in replies.values()) == 1
    assert "SECRET" not in server.log + again.log
