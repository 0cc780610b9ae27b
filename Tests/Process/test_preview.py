"""PREVIEW tells what ALLOC would give, in every state of a campaign, and gives nothing."""

import datetime
import select

import pytest
import redis

import harness

KEYS = ["status", "code", "given-at", "expires-at", "list", "reason", "next-code"]


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(request, server):
    with redis.Redis(port=server.port, protocol=request.param, decode_responses=True) as client:
        yield client


def preview(client, *words):
    """The map as a dictionary: redis-py gives a flat list with RESP2."""
    reply = client.execute_command("PREVIEW", *words)
    fields = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))
    assert list(fields) == KEYS
    return fields


def told(client, *words):
    """What would come of a request: status, code, next code."""
    fields = preview(client, *words)
    return fields["status"], fields["code"], fields["next-code"]


def refusal(client, campaign, user):
    """The error that ALLOC answers, which a preview's reason must be."""
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command("ALLOC", campaign, user)
    # redis-py raises an error by its text.
    return str(caught.value)


def test_a_preview_is_what_alloc_gives(server, client):
    # Goal: every key of a new and of a repeated code. Method: a preview beside each ALLOC, with a user and without.
    harness.make_campaign(server, count=3)
    for user in [["u1"], []]:
        assert preview(client, "summer", *user) == {
            "status": "new", "code": "C00000001", "given-at": None, "expires-at": None, "list": "june",
            "reason": None, "next-code": "C00000001",
        }
    assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
    [entry] = client.execute_command("USER", "HISTORY", "u1")
    given_at = (entry if isinstance(entry, dict) else dict(zip(entry[::2], entry[1::2])))["given-at"]
    client.execute_command("LIST", "SET", "june", "EXPIRES", "2035-12-31")
    assert preview(client, "summer", "u1") == {
        "status": "repeat", "code": "C00000001", "given-at": given_at,
        "expires-at": "2035-12-31T23:59:59.999Z", "list": "june", "reason": None, "next-code": "C00000002",
    }
    assert told(client, "summer", "u2") == ("new", "C00000002", "C00000002")


def test_a_thousand_previews_burn_nothing(server, client):
    # Goal: nothing is given, recorded or counted. Method: 1,000 previews of new users, of one user and of none; then
    # the ledger, the figures, the log and the first ALLOC.
    harness.make_campaign(server, count=1_000)
    before = harness.ledger(server)
    figures = server.info()
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1_000):
            pipeline.execute_command("PREVIEW", "summer", *[[f"u{number}"], ["u1"], []][number % 3])
        assert len(pipeline.execute()) == 1_000
    assert harness.ledger(server) == before
    after = server.info()
    for name in figures:
        if name.startswith("allocations_") or name == "log_frames":
            assert after[name] == figures[name], name
    assert client.execute_command("USER", "HISTORY", "u1") == []
    assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
    assert client.execute_command("ALLOC", "summer", "u4") == "C00000002"
    assert harness.ledger(server)["given"] == 2


def test_an_exhausted_campaign_says_so(server, client):
    # Goal: nothing is left to give, and after a refill the next code is told before the campaign is resumed.
    # Method: one code, two users.
    harness.make_campaign(server, count=1)
    assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
    assert told(client, "summer", "u1") == ("repeat", "C00000001", None)
    assert told(client, "summer", "u2") == ("refused", None, None)
    reason = preview(client, "summer", "u2")["reason"]
    assert reason.startswith("EXHAUSTED ") and reason == refusal(client, "summer", "u2")
    assert preview(client, "summer")["reason"] == reason

    def is_finished():
        with server.connect() as connection:
            return connection.call_map("CAMPAIGN", "INFO", "summer")[b"state"] == b"finished"

    harness.wait_until(is_finished, "it is finished")
    with server.connect() as connection:
        harness.get_upload(connection, "june", harness.codes(1, "D"))
    assert told(client, "summer", "u2") == ("refused", None, "D00000001")
    assert preview(client, "summer", "u2")["reason"] == reason
    client.execute_command("CAMPAIGN", "RESUME", "summer")
    assert told(client, "summer", "u2") == ("new", "D00000001", "D00000001")


def test_a_finished_campaign_says_so(server, client):
    # Goal: a stopped campaign repeats and gives nothing new. Method: stop it; a known, an unknown and no user.
    harness.make_campaign(server, count=3)
    assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
    client.execute_command("CAMPAIGN", "FINISH", "summer")
    assert told(client, "summer", "u1") == ("repeat", "C00000001", "C00000002")
    for user in [["u2"], []]:
        assert told(client, "summer", *user) == ("refused", None, "C00000002")
        reason = preview(client, "summer", *user)["reason"]
        assert reason == "FINISHED campaign 'summer' was stopped" == refusal(client, "summer", "u2")
    client.execute_command("CAMPAIGN", "RESUME", "summer")
    assert told(client, "summer", "u2") == ("new", "C00000002", "C00000002")


def test_an_expired_list_says_so(server, client):
    # Goal: not even a repeat is promised. Method: a list whose expiry passes.
    harness.make_campaign(server, count=3)
    assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    client.execute_command("LIST", "SET", "june", "EXPIRES", soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    harness.wait_until(lambda: preview(client, "summer", "u1")["status"] == "refused", "it expires")
    for user in [["u1"], ["u2"], []]:
        assert told(client, "summer", *user) == ("refused", None, "C00000002")
        reason = preview(client, "summer", *user)["reason"]
        assert reason.startswith("EXPIRED ") and reason == refusal(client, "summer", "u2")


def test_a_fixed_code_is_previewed_until_its_limit(server, client):
    # Goal: a fixed list too. Method: a limit of one.
    client.execute_command("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 1)
    client.execute_command("CAMPAIGN", "CREATE", "all-year", "LIST", "ten-off")
    assert told(client, "all-year", "u1") == ("new", "SAVE10", "SAVE10")
    assert client.execute_command("ALLOC", "all-year", "u1") == "SAVE10"
    assert told(client, "all-year", "u1") == ("repeat", "SAVE10", None)
    assert told(client, "all-year", "u2") == ("refused", None, None)


def status(client, user):
    [entry] = client.execute_command("USER", "HISTORY", user)
    return (entry if isinstance(entry, dict) else dict(zip(entry[::2], entry[1::2])))["status"]


def test_a_held_code_is_previewed_and_stays_held(server, client):
    # Goal: a held code is told, since ALLOC would give it, and the hold is left alone. Method: held, then released,
    # and confirmed.
    harness.make_campaign(server, count=3)
    for number, user in enumerate(["u1", "u2"], start=1):
        client.execute_command("HOLD", "summer", user, "FOR", "1h")
        code = f"C{number:08d}"
        fields = preview(client, "summer", user)
        assert (fields["status"], fields["code"], fields["reason"]) == ("repeat", code, None)
        assert fields["given-at"] is not None and fields["next-code"] == f"C{number + 1:08d}"
        assert status(client, user) == "held"
    assert harness.ledger(server)["held"] == 2
    client.execute_command("RELEASE", "summer", "u1")
    assert told(client, "summer", "u1") == ("new", "C00000003", "C00000003")
    client.execute_command("CONFIRM", "summer", "u2")
    assert told(client, "summer", "u2") == ("repeat", "C00000002", "C00000003")
    assert server.info()["holds_confirmed"] == 1


def test_a_hold_that_lapsed_is_previewed_no_more(server, client):
    # Goal: behind the deadline the user is like a new one, and the code that went back is the next again. Method: the
    # only code of a campaign that gives again what goes back, held for a second.
    harness.make_campaign(server, count=1)
    client.execute_command("CAMPAIGN", "CREATE", "booking", "LIST", "june", "RETURNS", "reuse")
    client.execute_command("HOLD", "booking", "u1", "FOR", "1s")
    assert told(client, "booking", "u1") == ("repeat", "C00000001", None)
    assert told(client, "booking", "u2") == ("refused", None, None)
    harness.wait_until(lambda: told(client, "booking", "u1")[0] != "repeat", "it lapses")
    harness.wait_until(lambda: harness.ledger(server)["free"] == 1, "it goes back")
    harness.wait_until(lambda: told(client, "booking", "u2")[0] == "new", "it can be had again")
    assert told(client, "booking", "u1") == ("new", "C00000001", "C00000001")
    assert client.execute_command("ALLOC", "booking", "u2") == "C00000001"


def test_an_unknown_campaign_is_an_error(client):
    # Goal: the same error as ALLOC's. Method: both.
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command("PREVIEW", "winter", "u1")
    assert str(caught.value) == refusal(client, "winter", "u1") == "NOCAMPAIGN no campaign 'winter'"


def test_redis_clients_know_the_command(client):
    # Goal: clients route by the user. Method: redis-py's parsers, with the user and without.
    assert client.command()["preview"]["arity"] == -2
    assert client.command_getkeys("PREVIEW", "summer", "u1") == ["u1"]
    with pytest.raises(redis.ResponseError):
        client.command_getkeys("PREVIEW", "summer")


def test_a_preview_in_a_burst_sees_what_stands_before_it(server):
    # Goal: pipelined between ALLOCs it is answered in its place, and takes nothing from them. Method: 300 new users,
    # each with a preview before and behind, in one write.
    harness.make_campaign(server, count=300)
    words = [[verb, "summer", f"u{n}"] for n in range(300) for verb in ("PREVIEW", "ALLOC", "PREVIEW")]
    with server.connect() as connection:
        connection.send_bytes(b"".join(harness.encode(*word) for word in words))
        for number in range(1, 301):
            before, code, behind = (connection.read() for _ in range(3))
            assert code == f"C{number:08d}".encode()
            assert harness.as_map(before)[b"status"] == b"new" and harness.as_map(before)[b"code"] == code
            assert harness.as_map(behind)[b"status"] == b"repeat" and harness.as_map(behind)[b"code"] == code


@pytest.mark.parametrize("threads", [1, 2])
def test_a_repeat_in_flight_is_not_told_before_it_is_durable(start, threads):
    # Goal: no preview tells of an allocation that a crash could take away, on its own loop or on another. Method:
    # eight other connections ask while its commit is in flight, which takes 20 ms; who is told of it must see its own
    # reply right behind, but for rounds in which a busy machine held that up.
    rounds, delay = 20, 0.02
    server = start("--threads", threads, "--test-flush-delay-microseconds", int(delay * 1e6))
    harness.make_campaign(server, count=1_000)
    repeats = early = 0
    with server.connect() as writer, harness.closing([server.connect() for _ in range(8)]) as readers:
        for number in range(rounds):
            user = f"flying-{number}"
            writer.send("ALLOC", "summer", user)
            # Time enough to be decided, and not to be durable.
            select.select([writer.socket], [], [], delay / 10)
            for reader in readers:
                reader.send("PREVIEW", "summer", user)
            ready = True
            for reader in readers:
                if harness.as_map(reader.read())[b"status"] == b"repeat":
                    repeats += 1
                    ready = ready and bool(select.select([writer.socket], [], [], delay / 4)[0])
            early += not ready
            assert writer.read() == b"C%08d" % (1 + number)
    assert repeats > rounds and early < rounds / 4, f"{repeats} were told, in {early} rounds early"
