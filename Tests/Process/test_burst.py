"""ALLOCs that are read together are decided together, and nobody can tell: replies and codes are as if one by one."""

import random

import harness
from harness import ErrorReply, encode

SEED = 20261124


def expected(words, given, next_code):
    """The reply to one command: a code, or the first word of an error."""
    if words[0] == "PING":
        return b"PONG"
    if len(words) < 3:
        return "SYNTAX"
    if words[1] not in next_code:
        return "NOCAMPAIGN"
    key = (words[1], words[2])
    if key not in given:
        next_code[words[1]] += 1
        prefix = "A" if words[1] == "spring" else "B"
        given[key] = f"{prefix}{next_code[words[1]]:08d}".encode()
    return given[key]


def seen(reply):
    if isinstance(reply, ErrorReply):
        return reply.word
    if isinstance(reply, list):
        return harness.as_map(reply)[b"code"]
    return reply


def commands(count):
    """Mostly ALLOCs of two campaigns, in runs, with users that come again; among them everything that ends a burst."""
    random.seed(SEED)
    for number in range(count):
        campaign = "spring" if (number // 150) % 2 else "summer"
        user = f"user-{random.randrange(count // 2)}"
        match random.randrange(40):
            case 0: yield ["PING"]
            case 1: yield ["ALLOC", "nowhere", user]
            case 2: yield ["ALLOC", "summer"]
            case 3: yield ["ALLOC", campaign, user, "FULL"]
            case 4: yield ["ALLOC", campaign, user, "USERID", "id"]
            case _: yield ["ALLOC", campaign, user]


def test_a_burst_is_answered_as_if_one_by_one(start):
    # Goal: order, codes, repeats and errors of a burst. Method: 5,000 mixed commands in one write, cut at random
    # places, against a model that takes them one by one.
    server = start("--threads", 1)
    harness.make_campaign(server, "spring", count=5_000, list_name="l1", prefix="A")
    harness.make_campaign(server, "summer", count=5_000, list_name="l2", prefix="B")
    given, next_code = {}, {"spring": 0, "summer": 0}
    script = list(commands(5_000))
    data = b"".join(encode(*words) for words in script)
    with server.connect() as connection:
        start_of_piece = 0
        replies = []
        while start_of_piece < len(data):
            end = start_of_piece + random.randrange(1, 20_000)
            connection.send_bytes(data[start_of_piece:end])
            start_of_piece = end
        replies = [seen(connection.read()) for _ in script]
    for number, (words, reply) in enumerate(zip(script, replies)):
        assert reply == expected(words, given, next_code), f"SEED={SEED}, command {number}: {words}"
    figures = [harness.ledger(server, name)["given"] for name in ("l1", "l2")]
    assert figures == [next_code["spring"], next_code["summer"]]


def test_a_burst_larger_than_a_batch_loses_nothing(start):
    # Goal: a batch that fills up within a burst stops it, and it goes on behind the commit. Method: small segments,
    # so that a batch holds few, and long users, pipelined from eight connections before any reply is read.
    server = start("--threads", 1, "--segment-kib", 128)
    harness.make_campaign(server, count=20_000)
    users = [[f"{'x' * 200}-{lane}-{number}" for number in range(1_000)] for lane in range(8)]
    connections = [server.connect() for _ in users]
    with harness.closing(connections):
        for connection, names in zip(connections, users):
            connection.send_bytes(b"".join(encode("ALLOC", "summer", name) for name in names))
        codes = [connection.read() for connection, names in zip(connections, users) for _ in names]
    assert len(set(codes)) == 8_000 and not any(isinstance(code, ErrorReply) for code in codes)
    assert harness.ledger(server)["given"] == 8_000
