"""When a write of the log fails nothing is retried and nothing more is promised: clients are told, and the
server ends."""

import pytest

import harness
from load import Load


@pytest.mark.parametrize("mechanism", ["io_uring", "pwritev2"])
@pytest.mark.parametrize("writes", [20, 100, 500])
def test_a_failed_write_ends_the_server_and_loses_nothing_acknowledged(start, mechanism, writes):
    # Goal: DISKERR or the end of the connection, exit code 74, and everything acknowledged there after a
    # start. Method: a load process, a log that fails after so many writes, on two loops.
    server = start("--log-mechanism", mechanism)
    harness.make_campaign(server, count=200_000)
    server.stop()
    server = start(
        "--threads", 2, "--log-mechanism", mechanism, "--test-writes-before-failure", writes, wait=True
    )
    with Load(server.port, seed=f"disk-{writes}", connections=4, depth=8, campaigns=["summer"]) as load:
        assert server.wait_exit(20) == 74, server.log
        load.finish()
    assert set(load.errors) <= {"DISKERR", "SHUTDOWN"}, load.errors
    assert not load.conflicts
    again = start()
    with again.connect() as connection:
        users = [user for _, user in load.acknowledged]
        assert harness.allocate_all(connection, "summer", users) == list(load.acknowledged.values())
        # Those who were told nothing get a code that nobody else has.
        others = harness.allocate_all(connection, "summer", [user for _, user in load.unanswered])
    assert not set(others) & set(load.acknowledged.values())
    assert len(set(others)) == len(others)
    assert harness.ledger(again)["given"] == len(load.acknowledged) + len(load.unanswered)


def test_whoever_waits_is_told_diskerr(start):
    # Goal: the reply of an allocation whose write failed is DISKERR. Method: one at a time until it fails.
    server = start()
    harness.make_campaign(server)
    server.stop()
    server = start("--threads", 1, "--test-writes-before-failure", 30)
    replies = []
    with server.connect() as connection:
        while len(replies) < 100:
            connection.send("ALLOC", "summer", f"u{len(replies)}")
            replies.append(connection.read())
            if isinstance(replies[-1], harness.ErrorReply):
                break
    assert replies[-1].word == "DISKERR"
    assert server.wait_exit(20) == 74
    assert "engine.failed" in server.log
    with start().connect() as connection:
        given = replies[:-1]
        assert (
            harness.allocate_all(connection, "summer", [f"u{number}" for number in range(len(given))])
            == given
        )


@pytest.mark.parametrize("threads, delay, writes", [(1, 0, 30), (2, 0, 30), (2, 3_000, 60)])
def test_many_users_are_told_diskerr_once(start, threads, delay, writes):
    # Goal: an ALLOCMANY whose write failed is answered DISKERR, once for all its users, and what was answered with
    # codes is there, whole. Method: two connections ask for the same users, in opposite orders, until the log fails:
    # one behind the other, or from two loops, where each gives to some and waits for others; also while commits
    # complete later, when another lane's frame may be durable before the own one.
    server = start()
    harness.make_campaign(server, count=20_000)
    server.stop()
    server = start(
        "--threads", threads, "--test-writes-before-failure", writes, "--test-flush-delay-microseconds", delay)
    told, failed = {}, False
    with server.connect() as first, server.connect() as second:
        for turn in range(100):
            users = [f"{turn}.{number}" for number in range(50)]
            for connection, order in ((first, users), (second, users[::-1])):
                connection.send("ALLOCMANY", "summer", *order)
            for connection, order in ((first, users), (second, users[::-1])):
                try:
                    reply = connection.read()
                except harness.Closed:
                    failed = True
                    continue
                if isinstance(reply, harness.ErrorReply):
                    assert reply.word == "DISKERR"
                    failed = True
                    continue
                for user, (code, _) in zip(order, reply):
                    assert code is not None and told.setdefault(user, code) == code
            if failed:
                break
        assert failed and first.is_closed() and second.is_closed()
    assert server.wait_exit(20) == 74
    with start().connect() as connection:
        for number in range(turn + 1):
            users = [f"{number}.{index}" for index in range(50)]
            reply = connection.call("ALLOCMANY", "summer", *users)
            if number < turn or threads == 1:
                assert len({status for _, status in reply}) == 1, "a part of a call"
            for user, result in zip(users, reply):
                if user in told:
                    assert result == [told[user], b"repeat"]
