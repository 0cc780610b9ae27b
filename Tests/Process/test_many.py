"""ALLOCMANY over the socket, and tearoffctl alloc --users: many users at once, durable as one, and nobody gets
two."""

import csv
import datetime
import io
import json
import pathlib
import signal
import subprocess
import uuid

import pytest
import redis

import harness

MOST = 100_000


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(request, server):
    with redis.Redis(port=server.port, protocol=request.param, decode_responses=True) as client:
        yield client


def users(count, prefix="u"):
    return [f"{prefix}{number}" for number in range(count)]


def uuids(count):
    return [str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128))) for number in range(count)]


def test_a_hundred_thousand_users_in_one_call(start, directory):
    # Goal: the largest call, by redis-py: one code each, in order; all there behind a crash, and again the same ones.
    # Method: UUIDs, which take the most room of all users that fit.
    server = start("--segment-kib", 8_192)
    harness.make_campaign(server, count=MOST)
    names = uuids(MOST)
    with redis.Redis(port=server.port, decode_responses=True) as client:
        first = client.execute_command("ALLOCMANY", "summer", *names)
        assert first == [[f"C{number:08d}", "new"] for number in range(1, MOST + 1)]
        server.kill()
        server = start("--segment-kib", 8_192, port=server.port)
        again = client.execute_command("ALLOCMANY", "summer", *names)
        assert again == [[code, "repeat"] for code, _ in first]
        assert client.execute_command("ALLOC", "summer", names[-1]) == first[-1][0]
    harness.wait_until(lambda: server.info()["allocations_repeated"] == MOST + 1, "it is counted")
    assert server.info()["allocations_given"] == 0
    assert harness.ledger(server)["given"] == MOST


def test_redis_cli_sends_as_many(start):
    # Goal: redis-cli, too. Method: 100,000 users from a pipe as one array, and a few on the command line.
    server = start("--segment-kib", 8_192)
    harness.make_campaign(server, count=MOST)
    call = harness.encode("ALLOCMANY", "summer", *users(MOST))
    done = subprocess.run(
        ["redis-cli", "-p", str(server.port), "--pipe"], input=call, capture_output=True,
        timeout=harness.DEADLINE_SECONDS)
    assert b"errors: 0, replies: 1" in done.stdout, done
    done = subprocess.run(
        ["redis-cli", "-p", str(server.port), "ALLOCMANY", "summer", "u0", "u1", "more", "u0"],
        capture_output=True, timeout=harness.DEADLINE_SECONDS)
    assert done.stdout.split() == b"C00000001 repeat C00000002 repeat EXHAUSTED C00000001 repeat".split()


def test_each_user_has_a_result(client, server):
    # Goal: new, repeat, held, twice, and none, in both versions; the campaign finishes. Method: six codes.
    harness.make_campaign(server, count=6)
    assert client.execute_command("ALLOC", "summer", "known") == "C00000001"
    assert client.execute_command("HOLD", "summer", "held", "FOR", "1h") == "C00000002"
    reply = client.execute_command("ALLOCMANY", "summer", "a", "known", "held", "a", "b", "c", "d", "e", "f", "known")
    assert reply == [
        ["C00000003", "new"], ["C00000001", "repeat"], ["C00000002", "repeat"], ["C00000003", "repeat"],
        ["C00000004", "new"], ["C00000005", "new"], ["C00000006", "new"], [None, "EXHAUSTED"], [None, "EXHAUSTED"],
        ["C00000001", "repeat"],
    ]
    assert harness.ledger(server)["given"] == 6

    def is_finished():
        with server.connect() as connection:
            return connection.call_map("CAMPAIGN", "INFO", "summer")[b"reason"] == b"exhausted"

    harness.wait_until(is_finished, "it is finished")
    assert client.execute_command("ALLOCMANY", "summer", "a", "g") == [["C00000003", "repeat"], [None, "EXHAUSTED"]]
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    client.execute_command("LIST", "SET", "june", "EXPIRES", soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    harness.wait_until(
        lambda: client.execute_command("ALLOCMANY", "summer", "a", "g") == [[None, "EXPIRED"], [None, "EXPIRED"]],
        "it expires")


def test_a_stopped_campaign_repeats(client, server):
    # Goal: FINISHED as of ALLOC. Method: one user before the stop.
    harness.make_campaign(server)
    client.execute_command("ALLOC", "summer", "a")
    client.execute_command("CAMPAIGN", "FINISH", "summer")
    assert client.execute_command("ALLOCMANY", "summer", "a", "b") == [["C00000001", "repeat"], [None, "FINISHED"]]


def test_redis_clients_know_the_command(client, server):
    # Goal: clients route it as ALLOC. Method: redis-py's parsers.
    assert client.command()["allocmany"]["arity"] == -3
    assert client.command_getkeys("ALLOCMANY", "summer", "u1", "u2") == ["u1"]
    with server.connect() as connection:
        docs = harness.as_map(connection.call_map("COMMAND", "DOCS", "ALLOCMANY")[b"allocmany"])
    assert docs[b"summary"].endswith(b"ALLOCMANY campaign user [user ...]") and docs[b"since"] == b"0.2.0"


def test_what_is_refused_gives_nothing(server):
    # Goal: each mistake is told, nobody is given anything, and the connection goes on. Method: bad users at each end,
    # no campaign, more than a frame has (segments of 1 MiB).
    harness.make_campaign(server)
    with server.connect() as connection:
        for bad in (["", "a"], ["a", "x" * 256], []):
            assert connection.error_of("ALLOCMANY", "summer", *bad) == "SYNTAX"
        assert connection.error_of("ALLOCMANY", "nosuch", "a") == "NOCAMPAIGN"
        connection.send("ALLOCMANY", "summer", *users(8_000, "x" * 200))
        reply = connection.read()
        assert reply.word == "LIMIT" and "nobody was given a code" in str(reply)
        assert harness.ledger(server)["given"] == 0
        assert connection.call("ALLOCMANY", "summer", *users(1_000)) == [
            [b"C%08d" % number, b"new"] for number in range(1, 1_001)]


@pytest.mark.parametrize(
    "head", [b"*%d\r\n" % (MOST + 3), b"*1025\r\n$9\r\nALLOCMANX\r\n", b"*1025\r\n$5\r\nALLOC\r\n"],
    ids=["users", "another", "alloc"])
def test_more_arguments_are_refused(server, head):
    # Goal: the bound on users, and no other command has it. Method: one more, by the head of the array alone.
    with server.connect() as connection:
        connection.send_bytes(head)
        assert connection.read().word == "PROTOCOL"
        assert connection.is_closed()


def test_more_bytes_are_refused(server):
    # Goal: 6 MiB of one command. Method: users of 255 bytes without end; the server closes early.
    with server.connect() as connection:
        try:
            head = b"*30000\r\n$9\r\nALLOCMANY\r\n$6\r\nsummer\r\n"
            connection.send_bytes(head + harness.encode(*["x" * 255] * 29_000)[8:])
        except ConnectionError:
            pass
        assert connection.read().word == "PROTOCOL"
        assert connection.is_closed()


def test_it_stands_in_its_place_among_others(start):
    # Goal: pipelined with other commands, each is answered in its place and sees what was before it. Method: ALLOCs
    # before, between and behind, in one write, on a slow disk, where batches wait for each other.
    server = start("--test-flush-delay-microseconds", 2_000)
    harness.make_campaign(server, count=20_000)
    with server.connect() as connection:
        words, expected = [], []
        for turn in range(40):
            words += [["ALLOC", "summer", f"before{turn}"], ["ALLOCMANY", "summer", *users(300, f"{turn}.")]]
            words += [["ALLOC", "summer", f"{turn}.299"], ["ALLOC", "summer", f"behind{turn}"]]
            start_at = turn * 302
            codes = [b"C%08d" % (start_at + number) for number in range(1, 303)]
            expected += [codes[0], [[code, b"new"] for code in codes[1:301]], codes[300], codes[301]]
        connection.send_bytes(b"".join(harness.encode(*each) for each in words))
        assert [connection.read() for _ in words] == expected


def test_a_call_that_needs_a_whole_frame_waits_for_it(start):
    # Goal: a call that fits one frame only alone is served while other connections fill batches. Method: segments of
    # 1 MiB, a slow disk, calls of some 800 KiB among ALLOCs of two connections.
    server = start("--test-flush-delay-microseconds", 5_000, "--threads", 1)
    harness.make_campaign(server, count=60_000)
    with server.connect() as large, server.connect() as small:
        for turn in range(5):
            small.send_bytes(b"".join(harness.encode("ALLOC", "summer", f"small{turn}.{n}") for n in range(1_000)))
            large.send("ALLOCMANY", "summer", *users(3_000, f"{turn}." + "x" * 220))
            assert all(status == b"new" for _, status in large.read())
            for _ in range(1_000):
                assert small.read().startswith(b"C")
    assert harness.ledger(server)["given"] == 5 * 4_000


def test_calls_for_the_same_users_on_two_loops(start):
    # Goal: whoever comes first, a user has one code, and each connection gets a result for each. Method: two loops, a
    # slow disk, the same users in opposite orders at the same time, again and again.
    server = start("--test-flush-delay-microseconds", 3_000, "--threads", 2)
    harness.make_campaign(server, count=40_000)
    with harness.closing([server.connect() for _ in range(4)]) as connections:
        for turn in range(10):
            names = users(1_000, f"{turn}.")
            orders = [names, names[::-1], names[500:] + names[:500], names]
            for connection, order in zip(connections, orders):
                connection.send("ALLOCMANY", "summer", *order)
            found, new = {}, 0
            for connection, order in zip(connections, orders):
                reply = connection.read()
                assert len(reply) == len(order)
                for user, (code, status) in zip(order, reply):
                    assert found.setdefault(user, code) == code and status in (b"new", b"repeat")
                    new += status == b"new"
            assert new == len(names) == len(set(found.values()))
    assert harness.ledger(server)["given"] == 10_000
    assert server.info()["allocations_parked"] > 0, "no two met"


def test_a_crash_leaves_all_or_nothing(start, directory):
    # Goal: durable as one. Method: the server is killed while the frame of a call is on its way to a slow disk, and
    # at other moments; a user of it has a code behind that only when all have.
    server = start("--test-flush-delay-microseconds", 20_000)
    harness.make_campaign(server, count=40_000)
    counts = set()
    for turn in range(8):
        names = users(2_000, f"{turn}.")
        connection = server.connect()
        connection.send("ALLOCMANY", "summer", *names)
        if turn % 4 == 3:
            assert len(connection.read()) == 2_000
        before = 2_000 * turn
        if turn % 4 == 1:
            harness.wait_until(lambda: server.info()["allocations_given"] > 0, "it is decided")
        server.kill()
        connection.close()
        server = start("--test-flush-delay-microseconds", 20_000)
        given = harness.ledger(server)["given"] - before
        assert given in ((2_000,) if turn % 4 == 3 else (0, 2_000))
        counts.add(given)
        with server.connect() as connection:
            reply = connection.call("ALLOCMANY", "summer", *names)
        assert {status for _, status in reply} == {b"repeat" if given else b"new"}
    assert harness.ledger(server)["given"] == 16_000


# MARK: - The tool


def command(server, *words):
    return [str(word) for word in [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"]]


def run(server, *words):
    done = subprocess.run(command(server, *words), capture_output=True, timeout=2 * harness.DEADLINE_SECONDS)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write_users(path, names):
    path.write_text("".join(f"{name}\n" for name in names))


def check_file(path, names, server, list_name="june"):
    """Every user has exactly one line, no code stands twice, and the server says the same."""
    found = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert found[0] == ["user", "code", "status"]
    assert [row[0] for row in found[1:]] == names
    given = [row[1] for row in found[1:]]
    assert len(set(given)) == len(given)
    with server.connect() as connection:
        for number in range(0, len(names), max(1, len(names) // 50)):
            [entry] = connection.call("USER", "HISTORY", names[number])
            assert harness.as_map(entry)[b"code"].decode() == given[number]
    assert harness.ledger(server, list_name)["given"] == len(names)
    return found[1:]


def test_the_tool_gives_codes_to_all_users_of_a_file(server, tmp_path):
    # Goal: a file of users becomes a file of codes, and once more it changes nothing. Method: names that CSV must
    # quote among them.
    harness.make_campaign(server, count=30_000)
    names = users(25_000) + ["a,b", 'q"x', "ümlaut", "=1+1", " x "]
    write_users(tmp_path / "users.txt", names)
    words = ("alloc", "summer", "--users", tmp_path / "users.txt", "--out", tmp_path / "codes.csv", "--json")
    code, out, text = run(server, *words)
    assert code == 0, text
    summary = {"blank": 0, "kept": 0, "new": 25_005, "refused": 0, "repeat": 0, "users": 25_005}
    assert json.loads(out) == summary
    rows = check_file(tmp_path / "codes.csv", names, server)
    assert [row[1] for row in rows] == [f"C{number:08d}" for number in range(1, 25_006)]
    before = (tmp_path / "codes.csv").read_bytes()
    code, out, _ = run(server, *words)
    assert code == 0 and json.loads(out) == summary | {"kept": 25_005}
    assert (tmp_path / "codes.csv").read_bytes() == before


def test_who_comes_too_late_has_a_line_too(server, tmp_path):
    # Goal: a list that runs dry is told by line and by exit code. Method: 1,500 codes, 2,500 users.
    harness.make_campaign(server, count=1_500)
    write_users(tmp_path / "users.txt", users(2_500))
    code, out, text = run(server, "alloc", "summer", "--users", tmp_path / "users.txt", "--out", tmp_path / "codes.csv")
    assert code == 1 and "1000 users got no code: EXHAUSTED 1000." in text
    rows = list(csv.reader((tmp_path / "codes.csv").open(newline="")))[1:]
    assert [row[0] for row in rows] == users(2_500)
    assert [row[2] for row in rows] == ["new"] * 1_500 + ["EXHAUSTED"] * 1_000


def start_tool(server, tmp_path, names):
    write_users(tmp_path / "users.txt", names)
    words = ("alloc", "summer", "--users", tmp_path / "users.txt", "--out", tmp_path / "codes.csv")
    process = subprocess.Popen(command(server, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process, words


def grown_beyond(path, size):
    return path.exists() and path.stat().st_size > size


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_tool_that_was_ended_goes_on(start, tmp_path, number):
    # Goal: no code twice and one line for every user, however often the tool was ended. Method: a disk slow enough
    # that it is in the middle; five times.
    server = start("--test-flush-delay-microseconds", 10_000)
    names = users(60_000)
    harness.make_campaign(server, count=70_000)
    path: pathlib.Path = tmp_path / "codes.csv"
    kept = 0
    for turn in range(5):
        process, words = start_tool(server, tmp_path, names)
        harness.wait_until(
            lambda: grown_beyond(path, 200_000 * (turn + 1)) or process.poll() is not None, "it writes")
        process.send_signal(number)
        _, text = process.communicate(timeout=harness.DEADLINE_SECONDS)
        assert process.returncode == (-9 if number == signal.SIGKILL else 130), text
        lines = path.read_bytes().count(b"\n")
        assert lines >= kept
        kept = lines
    assert 5_000 < kept < len(names)
    code, out, text = run(server, *words, "--json")
    assert code == 0, text
    # What was given and not written in each of the five breaks is repeated, and no more.
    assert json.loads(out)["repeat"] <= 5 * 4_000
    check_file(path, names, server)


def test_it_goes_on_when_the_server_was_killed(start, directory, tmp_path):
    # Goal: the same when the server goes. Method: killed in the middle, three times; the tool says what to do.
    names = users(40_000)
    flags = ("--test-flush-delay-microseconds", 10_000)
    server = start(*flags)
    harness.make_campaign(server, count=50_000)
    path = tmp_path / "codes.csv"
    for turn in range(3):
        process, words = start_tool(server, tmp_path, names)
        harness.wait_until(
            lambda: grown_beyond(path, 200_000 * (turn + 1)) or process.poll() is not None, "it writes")
        server.kill()
        _, text = process.communicate(timeout=harness.DEADLINE_SECONDS)
        assert process.returncode == 69 and text.endswith(b"run the same command again to go on.\n"), text
        server = start(*flags)
    code, _, text = run(server, *words)
    assert code == 0, text
    check_file(path, names, server)


def test_a_file_of_another_campaign_is_left_alone(server, tmp_path):
    # Goal: the codes of one campaign never go on as those of another. Method: the head of a file, then the other one.
    harness.make_campaign(server, count=5_000)
    harness.make_campaign(server, name="winter", list_name="july", count=5_000, prefix="D")
    write_users(tmp_path / "users.txt", users(10))
    words = ("--users", tmp_path / "users.txt", "--out", tmp_path / "codes.csv")
    assert run(server, "alloc", "summer", *words)[0] == 0
    write_users(tmp_path / "users.txt", users(20))
    before = (tmp_path / "codes.csv").read_bytes()
    code, _, text = run(server, "alloc", "winter", *words)
    assert code == 74 and "would not repeat the code in line 11" in text
    assert (tmp_path / "codes.csv").read_bytes() == before and harness.ledger(server, "july")["given"] == 0
    assert run(server, "alloc", "summer", *words)[0] == 0
    check_file(tmp_path / "codes.csv", users(20), server)


def test_a_campaign_that_gives_at_every_request_is_refused(server, tmp_path):
    # Goal: nothing begins that a break would spoil. Method: the rule `always`, without and with the option.
    harness.make_campaign(server, rule="always")
    write_users(tmp_path / "users.txt", users(10))
    words = ("alloc", "summer", "--users", tmp_path / "users.txt", "--out", tmp_path / "codes.csv")
    assert run(server, *words)[0] == 64 and harness.ledger(server)["given"] == 0
    assert run(server, *words, "--allow-second-codes")[0] == 0
    check_file(tmp_path / "codes.csv", users(10), server)


def test_a_break_longer_than_the_window_is_refused(server, tmp_path):
    # Goal: nobody gets a second code because a break was long. Method: a window of 1 ms, which has passed when the
    # tool looks; the file that a break leaves.
    harness.make_campaign(server, rule="window 1ms")
    write_users(tmp_path / "users.txt", users(10))
    words = ("alloc", "summer", "--users", tmp_path / "users.txt", "--out", tmp_path / "codes.csv")
    assert run(server, *words)[0] == 0
    whole = (tmp_path / "codes.csv").read_bytes()
    part = whole[: whole.index(b"u5") + 4]
    (tmp_path / "codes.csv").write_bytes(part)
    code, _, text = run(server, *words)
    assert code == 74 and "the window has passed" in text and harness.ledger(server)["given"] == 10
