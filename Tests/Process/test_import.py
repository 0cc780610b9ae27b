"""Moving in from another system (LIST IMPORT, tearoffctl list import-given), on a real server."""

import json
import select
import subprocess
import time

import harness
from harness import as_map, get_upload


def tool(server, *words):
    words = [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"]
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=120)


def get_import(connection, name, data, *options):
    upload = connection.call("LIST", "IMPORT", name, "given.csv")
    for start in range(0, len(data), 1 << 20):
        connection.call("LIST", "LOAD", name, "CHUNK", upload, data[start : start + (1 << 20)])
    return upload, connection.call_map("LIST", "LOAD", name, "COMMIT", upload, *options)


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_the_whole_way(start, server, connection, tmp_path):
    # Goal: as OPERATING.md says it: import, load all, and each user goes on with the code of before; every command
    # knows it. Method: 20 codes given 1 hour ago, a file of 50, with the tool; a restart.
    now = time.time()
    path = tmp_path / "given.csv"
    path.write_text(
        "code,user,campaign,given_at\r\n" + "".join(f"C{n},u{n},summer,{iso(now - 3600 - n)}\r\n" for n in range(20))
    )
    everything = tmp_path / "all.txt"
    everything.write_text("".join(f"C{n}\n" for n in range(50)))

    dry = tool(server, "list", "import-given", "june", path, "--dry-run", "--json")
    assert dry.returncode == 0 and json.loads(dry.stdout)["given"] == 20
    assert connection.call("LIST", "UPLOADS", "june") == []
    done = json.loads(tool(server, "list", "import-given", "june", path, "--json").stdout)
    assert (done["status"], done["codes"], done["given"], done["already"]) == ("loaded", 20, 20, 0)
    loaded = json.loads(tool(server, "list", "load", "june", everything, "--skip-bad", "--json").stdout)
    assert (loaded["codes"], loaded["duplicate-in-list"]) == (30, 20)
    again = json.loads(tool(server, "list", "import-given", "june", path, "--json").stdout)
    assert (again["status"], again["given"], again["already"]) == ("unchanged", 0, 20)

    def check(asked):
        full = as_map(asked.call("ALLOC", "summer", "u7", "FULL"))
        assert (full[b"code"], full[b"status"]) == (b"C7", b"repeat")
        assert full[b"given-at"].decode() == iso(now - 3600 - 7).replace("Z", ".000Z")
        assert asked.call_map("LIST", "INFO", "june")[b"given"] == 20
        (place,) = asked.call("CODE", "FIND", "C7")
        assert (as_map(place)[b"state"], as_map(place)[b"user"]) == (b"given", b"u7")
        first, second = (as_map(row) for row in asked.call("LIST", "UPLOADS", "june"))
        assert (first[b"imported"], second[b"imported"]) == (1, 0)
        assert (first[b"given"], first[b"burned"], first[b"bad-user"]) == (20, 0, 0)

    check(connection)
    exported = tool(server, "export", "june", "--until", iso(now - 3600 - 15))
    assert exported.stdout.count(b"\r\n") == 1 + 5, "by the time at which they were given"
    server.stop()
    restarted = start()
    with restarted.connect() as reader:
        check(reader)
        assert reader.call("ALLOC", "summer", "new") == b"C20"
    restarted.stop()
    assert harness.offline_tool("verify", "--data", restarted.directory)[0] == 0
    dump = subprocess.run(
        [harness.TEAROFFCTL, "wal", "dump", "--data", restarted.directory], capture_output=True).stdout
    assert dump.count(b"    imported ") == 20 and b"given-imported" in dump


def test_bad_lines(server, connection, tmp_path):
    # Goal: each is told by line and reason, to the tool and in its report, and nothing is half applied. Method: one
    # line of each kind beside a good one.
    get_upload(connection, "june", b"LOADED\n")
    path, report = tmp_path / "given.csv", tmp_path / "bad.csv"
    path.write_text(
        "A,u,summer,1\nLOADED,u,summer,1\nA,v,summer,1\nB,u,nosuch,1\nC,u,summer,99999999999999\nD,u,summer,now\n"
        'E,,summer,1\nF,u\n"G,u,summer,1\n'
    )
    refused = tool(server, "list", "import-given", "june", path, "--report", report, "--json")
    assert refused.returncode == 2 and json.loads(refused.stdout)["bad"] == 8
    lines = [line.split(",", 1) for line in report.read_text().splitlines()[1:]]
    assert [int(number) for number, _ in lines] == list(range(2, 10))
    assert connection.call_map("LIST", "INFO", "june")[b"uploaded"] == 1
    assert tool(server, "list", "import-given", "june", path, "--skip-bad").returncode == 0
    assert connection.call("ALLOC", "summer", "x") == b"LOADED"
    upload = as_map(connection.call("LIST", "UPLOADS", "june")[1])
    kinds = [
        b"duplicate-in-list", b"duplicate-in-file", b"bad-campaign", b"future", b"bad-time", b"bad-user", b"columns"]
    assert [upload[kind] for kind in kinds] == [1, 1, 1, 1, 1, 1, 2]
    assert connection.error_of("LIST", "UNDO", "june", upload[b"upload"]).startswith("SYNTAX")
    number = connection.call("LIST", "IMPORT", "june")
    assert connection.error_of("LIST", "LOAD", "june", "COMMIT", number, "REPLACE").startswith("SYNTAX")


def test_killed_in_the_middle(start, server, connection):
    # Goal: after SIGKILL at any moment of an import nobody else has one of its codes, and a repeat completes it.
    # Method: killed when it is seen to be so far, in steps; after each the ledger and a new user; then once more.
    rows = 60_000
    data = b"".join(b"C%d,user-%d,summer,%d\n" % (n, n, 1_000_000 + n) for n in range(rows))
    connection.call("CAMPAIGN", "SET", "summer", "RETRIGGER", "once")
    get_upload(connection, "june", b"".join(b"K%d\n" % n for n in range(100)))
    for turn in range(8):
        upload = connection.call("LIST", "IMPORT", "june", "given.csv")
        for at in range(0, len(data), 1 << 20):
            connection.call("LIST", "LOAD", "june", "CHUNK", upload, data[at : at + (1 << 20)])
        connection.send("LIST", "LOAD", "june", "COMMIT", upload)
        with server.connect() as other:
            # The first is killed at once, the second when the codes are there, the others when some rows are, too.
            while turn > 0:
                info = other.call_map("LIST", "INFO", "june")
                if info[b"uploaded"] > 100 and info[b"given"] > (turn - 1) * 6_000:
                    break
        server.kill()
        server = start()
        connection = server.connect()
        info = connection.call_map("LIST", "INFO", "june")
        assert info[b"uploaded"] == sum(info[key] for key in (b"free", b"held", b"given", b"withdrawn", b"burned"))
        assert info[b"uploaded"] in (100, 100 + rows)
        assert connection.call("ALLOC", "summer", f"new-{turn}").startswith(b"K")
    _, report = get_import(connection, "june", data)
    assert report[b"status"] in (b"loaded", b"unchanged") and report[b"given"] + report[b"already"] == rows
    info = connection.call_map("LIST", "INFO", "june")
    assert (info[b"given"], info[b"burned"]) == (rows + 8, 0)
    for n in range(0, rows, 997):
        assert connection.call("ALLOC", "summer", f"user-{n}") == b"C%d" % n


def test_uploads_can_be_looked_at_meanwhile(start):
    # Goal: the figures of an upload are of one instant, also while its rows are written on another loop: a server whose
    # ledger does not add up ends. Method: LIST UPLOADS over and over on several loops while 300,000 rows come.
    server = start("--threads", 2)
    harness.make_campaign(server, count=10)
    data = b"".join(b"I%d,user-%d,summer,%d\n" % (n, n, 1_000_000 + n) for n in range(300_000))
    with server.connect() as importer, harness.closing([server.connect() for _ in range(4)]) as readers:
        upload = importer.call("LIST", "IMPORT", "june", "given.csv")
        for at in range(0, len(data), 1 << 20):
            importer.call("LIST", "LOAD", "june", "CHUNK", upload, data[at : at + (1 << 20)])
        importer.send("LIST", "LOAD", "june", "COMMIT", upload)
        looks = 0
        while not select.select([importer.socket], [], [], 0)[0]:
            for reader in readers:
                reader.send("LIST", "UPLOADS", "june")
            for reader in readers:
                for row in map(as_map, reader.read()):
                    parts = (b"free", b"held", b"given", b"withdrawn", b"burned")
                    assert row[b"codes"] == sum(row[part] for part in parts), row
                    looks += 1
        assert as_map(importer.read())[b"given"] == 300_000
    assert looks > 10
