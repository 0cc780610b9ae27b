"""Codes that are held, over the socket: what each command answers, deadlines that pass by themselves, restarts."""

import threading

import pytest

import harness
from harness import ErrorReply, encode


def statuses(server, user):
    with server.connect() as connection:
        entries = [harness.as_map(entry) for entry in connection.call("USER", "HISTORY", user)]
    return [entry[b"status"].decode() for entry in entries]


def state(server, code):
    with server.connect() as connection:
        return harness.as_map(connection.call("CODE", "FIND", code)[0])[b"state"].decode()


def make(server, returns="quarantine", count=100, **settings):
    harness.make_campaign(server, count=count, **settings)
    server.call("CAMPAIGN", "CREATE", "booking", "LIST", "june", "RETURNS", returns)


def test_hold_confirm_and_release_answer_as_the_manual_says(server):
    # Goal: every reply of the three commands. Method: one user for each way.
    make(server)
    with server.connect() as connection:
        hold = connection.call_map("HOLD", "booking", "u1", "FOR", "15m", "USERID", "crm-1", "FULL")
        assert (hold[b"code"], hold[b"status"], hold[b"list"]) == (b"C00000001", b"new", b"june")
        assert hold[b"given-at"] < hold[b"hold-until"]
        again = connection.call_map("HOLD", "booking", "u1", "FOR", "1s", "FULL")
        assert (again[b"status"], again[b"hold-until"]) == (b"repeat", hold[b"hold-until"])
        assert connection.call("CONFIRM", "booking", "u1") == b"OK"
        assert connection.call("CONFIRM", "booking", "u1") == b"OK"
        assert connection.error_of("RELEASE", "booking", "u1") == "GIVEN"
        assert connection.call_map("HOLD", "booking", "u1", "FOR", "1s", "FULL")[b"hold-until"] is None

        assert connection.call("HOLD", "booking", "u2", "FOR", "2") == b"C00000002"
        assert connection.call("RELEASE", "booking", "u2") == b"OK"
        assert connection.error_of("RELEASE", "booking", "u2") == "NOHOLD"
        assert connection.error_of("CONFIRM", "booking", "u2") == "NOHOLD"
        assert connection.error_of("CONFIRM", "booking", "nobody") == "NOHOLD"
        assert connection.error_of("HOLD", "nowhere", "u", "FOR", "2") == "NOCAMPAIGN"

        assert connection.call("HOLD", "booking", "u3", "FOR", "1h") == b"C00000003"
        assert connection.call("ALLOC", "booking", "u3") == b"C00000003"
        assert connection.error_of("RELEASE", "booking", "u3") == "GIVEN"
    assert statuses(server, "u1") == ["given"] and statuses(server, "u2") == ["released"]
    assert [state(server, f"C{number:08d}") for number in (1, 2, 3, 4)] == ["given", "burned", "given", "free"]
    info = server.info()
    figures = [info[f"holds_{name}"] for name in ("made", "confirmed", "released", "lapsed")]
    assert figures == [3, 2, 1, 0]


@pytest.mark.parametrize(
    "words",
    [
        ["HOLD", "booking", "u"],
        ["HOLD", "booking", "u", "FOR"],
        ["HOLD", "booking", "u", "UNTIL", "1s"],
        ["HOLD", "booking", "u", "FOR", "0s"],
        ["HOLD", "booking", "u", "FOR", "32d"],
        ["HOLD", "booking", "u", "FOR", "soon"],
        ["HOLD", "booking", "u", "FOR", "1s", "FULL", "FULL"],
        ["HOLD", "booking", "u", "FOR", "1s", "USERID"],
        ["CONFIRM", "booking"],
        ["RELEASE", "booking", "u", "FULL"],
        ["CAMPAIGN", "CREATE", "other", "LIST", "june", "RETURNS", "burn"],
        ["CAMPAIGN", "CREATE", "other", "LIST", "june", "RETURNS"],
    ],
)
def test_what_cannot_be_meant_is_refused(server, words):
    # Goal: a wrong command does nothing. Method: each one, then the ledger.
    make(server)
    with server.connect() as connection:
        assert connection.error_of(*words) == "SYNTAX"
    assert harness.ledger(server)["free"] == 100


@pytest.mark.parametrize("threads", [1, 3])
def test_a_deadline_passes_without_anybody_asking(start, threads):
    # Goal: a hold that nobody confirms goes back by itself, and its code is given again. Method: all codes of a list
    # held for a short time over several loops; the ledger says when they are free.
    server = start("--threads", threads)
    make(server, returns="reuse", count=50)
    connections = [server.connect() for _ in range(5)]
    with harness.closing(connections):
        for number in range(50):
            connections[number % 5].call("HOLD", "booking", f"u{number}", "FOR", "300ms")
        assert connections[0].error_of("ALLOC", "summer", "late") == "EXHAUSTED"
        harness.wait_until(lambda: harness.ledger(server)["free"] == 50, "no hold went back")
        assert statuses(server, "u7") == ["lapsed"]
        assert server.info()["holds_lapsed"] == 50
        codes = {connections[0].call("ALLOC", "summer", f"v{number}") for number in range(50)}
    assert len(codes) == 50 and harness.ledger(server)["given"] == 50


def test_deadlines_go_on_across_a_kill(start):
    # Goal: holds survive SIGKILL with their deadlines. Method: a short and a long one, a kill, a new server.
    server = start()
    make(server, returns="reuse")
    with server.connect() as connection:
        connection.call("HOLD", "booking", "short", "FOR", "1s")
        connection.call("HOLD", "booking", "long", "FOR", "1h")
        connection.call("HOLD", "booking", "done", "FOR", "1h")
        connection.call("CONFIRM", "booking", "done")
    server.kill()
    server = start()
    assert statuses(server, "long") == ["held"] and statuses(server, "done") == ["given"]
    harness.wait_until(lambda: statuses(server, "short") == ["lapsed"], "the deadline was forgotten")
    with server.connect() as connection:
        assert connection.error_of("CONFIRM", "booking", "short") == "NOHOLD"
        assert connection.call("CONFIRM", "booking", "long") == b"OK"
        connection.call("SNAPSHOT")
    server.kill()
    server = start()
    assert [statuses(server, user) for user in ("long", "short", "done")] == [["given"], ["lapsed"], ["given"]]
    ledger = harness.ledger(server)
    assert (ledger["given"], ledger["held"], ledger["free"]) == (2, 0, 98)


@pytest.mark.parametrize("flags", [[], ["--test-flush-delay-microseconds", 3_000]], ids=["fast disk", "slow disk"])
def test_many_hold_confirm_and_release_at_once(start, flags):
    # Goal: no code has two users while codes go round, on two loops, with answers in order. Method: eight connections
    # that pipeline holds of their own users and end each; at the end every hold is as it was answered.
    server = start("--threads", 2, *flags)
    make(server, returns="reuse", count=300)
    outcomes = {}

    def talk(name):
        with server.connect() as connection:
            for number in range(60):
                users = [f"{name}-{number}-{index}" for index in range(10)]
                connection.send_bytes(b"".join(encode("HOLD", "booking", user, "FOR", "1h") for user in users))
                held = [(user, connection.read()) for user in users]
                assert not any(isinstance(reply, ErrorReply) and reply.word != "EXHAUSTED" for _, reply in held)
                held = [(user, code) for user, code in held if isinstance(code, bytes)]
                # Nearly all go back, so that they are to be had again.
                ends = [("CONFIRM" if number == 7 and index == 0 else "RELEASE") for index in range(len(held))]
                connection.send_bytes(b"".join(encode(end, "booking", user) for end, (user, _) in zip(ends, held)))
                for end, (user, code) in zip(ends, held):
                    assert connection.read() == b"OK"
                    outcomes[user] = (end, code)

    threads = [threading.Thread(target=talk, args=[f"t{number}"]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    confirmed = {code: user for user, (end, code) in outcomes.items() if end == "CONFIRM"}
    assert len(confirmed) == sum(end == "CONFIRM" for end, _ in outcomes.values()), "two users, one code"
    ledger = harness.ledger(server)
    assert (ledger["given"], ledger["held"], ledger["free"]) == (len(confirmed), 0, 300 - len(confirmed))
    with server.connect() as connection:
        for code, user in confirmed.items():
            place = harness.as_map(connection.call("CODE", "FIND", code)[0])
            assert (place[b"user"].decode(), place[b"state"]) == (user, b"given")
