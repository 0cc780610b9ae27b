"""ALLOCs that are read together are decided together, and nobody can tell: replies and codes are as if one by one."""

import random
import signal
import socket
import struct
import threading

import pytest

import harness
from harness import ErrorReply, encode

SEED = 20261124
# Which loop is behind when all arrives at once is not ours to say.
ROUNDS_MAXIMUM = 40


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
    """Mostly ALLOCs of two campaigns, in runs, with users that come again; among them everything that ends a
    burst."""
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


def look_up(words, given):
    """What a look-up is to tell, by the codes that were given so far."""
    owners = {code: owner for owner, code in given.items()}
    match words:
        case ["USER", "HISTORY", user]:
            return sorted((campaign, code) for (campaign, owner), code in given.items() if owner == user)
        case ["CODE", "FIND", code] if code.encode() in owners:
            return ("given", *owners[code.encode()])
        case ["CODE", "FIND", code]:
            return ("free",) if code[0] in "AB" else ("unknown",)


def told(words, reply):
    """The same as the server tells it."""
    entries = [harness.as_map(entry) for entry in reply]
    if words[0] == "USER":
        return sorted((entry[b"campaign"].decode(), entry[b"code"]) for entry in entries)
    return tuple(entries[0][key].decode() for key in [b"state", b"campaign", b"user"] if key in entries[0])


def look_ups(script):
    """The script with a look-up behind most commands: at the user or the code that was just asked for, or at any."""
    random.seed(SEED + 1)
    for number, words in enumerate(script):
        yield words
        match random.randrange(5):
            case 0: yield ["USER", "HISTORY", words[-1]]
            case 1: yield ["USER", "HISTORY", f"user-{random.randrange(len(script))}"]
            case 2: yield ["CODE", "FIND", f"{random.choice('ABC')}{random.randrange(1, number + 2):08d}"]
            case 3:
                yield ["USER", "HISTORY", f"user-{random.randrange(len(script))}"]
                yield ["CODE", "FIND", f"{random.choice('AB')}{random.randrange(1, number + 2):08d}"]
            case _: pass


@pytest.mark.parametrize("flags", [[], ["--test-flush-delay-microseconds", 3_000]], ids=["fast disk", "slow disk"])
def test_look_ups_in_a_burst_see_what_stands_before_them_and_nothing_else(start, flags):
    # Goal: look-ups among pipelined ALLOCs are answered in their order, of what was given before them. Method: 3,000
    # mixed commands and their look-ups, cut at random places, against a model that takes them one by one.
    server = start("--threads", 1, *flags)
    harness.make_campaign(server, "spring", count=3_000, list_name="l1", prefix="A")
    harness.make_campaign(server, "summer", count=3_000, list_name="l2", prefix="B")
    given, next_code = {}, {"spring": 0, "summer": 0}
    script = list(look_ups(list(commands(3_000))))
    data = b"".join(encode(*words) for words in script)
    with server.connect() as connection:
        sender = threading.Thread(target=send_in_pieces, args=(connection, data))
        sender.start()
        replies = [connection.read() for _ in script]
        sender.join()
    for number, (words, reply) in enumerate(zip(script, replies)):
        where = f"SEED={SEED}, command {number}: {words}"
        if words[0] in ("USER", "CODE"):
            assert told(words, reply) == look_up(words, given), where
        else:
            assert seen(reply) == expected(words, given, next_code), where


def test_look_ups_over_many_campaigns_keep_their_order(start):
    # Goal: a look-up that takes a turn of its own is answered in its place too. Method: 80 campaigns of one list,
    # each of which gives the user a code; the history asked for behind each one, all in one write.
    server = start("--threads", 1)
    harness.make_campaign(server, "c0", count=100, list_name="l1", prefix="A")
    with server.connect() as connection:
        for number in range(1, 80):
            connection.call("CAMPAIGN", "CREATE", f"c{number}", "LIST", "l1")
        script = [words for number in range(80) for words in (["ALLOC", f"c{number}", "u"], ["USER", "HISTORY", "u"])]
        connection.send_bytes(b"".join(encode(*words) for words in script))
        for number in range(80):
            assert connection.read() == f"A{number + 1:08d}".encode()
            history = [harness.as_map(entry) for entry in connection.read()]
            assert sorted(entry[b"ordinal"] for entry in history) == list(range(number + 1))


def send_in_pieces(connection, data):
    start = 0
    while start < len(data):
        end = start + random.randrange(1, 20_000)
        connection.send_bytes(data[start:end])
        start = end


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


# MARK: - Many connections in one tick


class HeldBack:
    """A server that does not run meanwhile: what is sent inside reaches it all at once."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.server.signal(signal.SIGSTOP)

    def __exit__(self, *_):
        self.server.signal(signal.SIGCONT)


def replies_of(connection, script):
    return [seen(connection.read()) for _ in script]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("flags", [[], ["--test-flush-delay-microseconds", 3_000]], ids=["fast disk", "slow disk"])
def test_what_many_connections_sent_is_answered_to_each_in_its_order(start, threads, flags):
    # Goal: commands of many connections, decided together, are answered to whoever sent them, in order, once; with
    # two loops and a slow disk, rows in flight in the other lane stop a connection and no other. Method: 120
    # connections with 24 commands each, of every other one mixed, over the same users, that all arrive at once,
    # twice; a user's replies are one code a campaign wherever they come, and no code is anybody else's. With two
    # loops and a slow disk again with other users, until rows in flight were met.
    server = start("--threads", threads, *flags)
    harness.make_campaign(server, "spring", count=50_000, list_name="l1", prefix="A")
    harness.make_campaign(server, "summer", count=50_000, list_name="l2", prefix="B")
    random.seed(SEED + 2)
    owners, given = {}, {}
    for users in range(ROUNDS_MAXIMUM):
        scripts = [[random_command(number, users) for _ in range(24)] for number in range(120)]
        connections = [server.connect() for _ in scripts]
        with harness.closing(connections):
            for _ in range(2):
                with HeldBack(server):
                    for connection, script in zip(connections, scripts):
                        connection.send_bytes(b"".join(encode(*words) for words in script))
                for connection, script in zip(connections, scripts):
                    for words, reply in zip(script, replies_of(connection, script)):
                        where = f"SEED={SEED}, {words}"
                        if words[0] != "ALLOC" or words[1] == "nowhere":
                            assert reply == expected(words, {}, {}), where
                            continue
                        key = (words[1], words[2])
                        assert given.setdefault(key, reply) == reply, where
                        assert owners.setdefault(reply, key) == key, where
        if threads == 1 or not flags or server.info()["allocations_parked"] > 0:
            break
    else:
        pytest.fail("no command met a row in flight: this shows nothing")
    figures = [harness.ledger(server, name)["given"] for name in ("l1", "l2")]
    assert figures == [sum(key[0] == campaign for key in given) for campaign in ("spring", "summer")]


def random_command(connection, users):
    campaign = random.choice(["spring", "summer"])
    user = f"user-{users}-{random.randrange(500)}"
    if connection % 2:
        return ["ALLOC", "summer", user]
    match random.randrange(12):
        case 0: return ["PING"]
        case 1: return ["ALLOC", "nowhere", "u"]
        case 2: return ["ALLOC", campaign, user, "FULL"]
        case _: return ["ALLOC", campaign, user]


def test_whoever_closes_in_the_middle_of_a_tick_is_answered_first_or_forgotten(start):
    # Goal: a connection whose client closes its sending half behind its ALLOCs is answered and then closed, one that
    # breaks hinders nobody, and both keep their codes. Method: all of it arrives at once, with whole connections
    # before and behind.
    server = start("--threads", 1)
    harness.make_campaign(server)
    kinds = ["stays", "closes half", "breaks"] * 10
    connections = [server.connect() for _ in kinds]
    with HeldBack(server):
        for number, (connection, kind) in enumerate(zip(connections, kinds)):
            connection.send_bytes(encode("ALLOC", "summer", f"a{number}") + encode("ALLOC", "summer", f"b{number}"))
            if kind == "closes half":
                connection.socket.shutdown(socket.SHUT_WR)
            elif kind == "breaks":
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
    codes = []
    for connection, kind in zip(connections, kinds):
        if kind != "breaks":
            codes += [connection.read(), connection.read()]
        if kind == "closes half":
            assert connection.is_closed()
        if kind == "stays":
            assert connection.call("PING") == b"PONG"
            connection.close()
    assert len(set(codes)) == 40 and not any(isinstance(code, ErrorReply) for code in codes)
    assert harness.ledger(server)["given"] >= 40
