"""The programs of docs/RECIPES.md work as they stand there: each is cut out of the page and run.

Python's and Node's clients are installed by tools/install-dependencies and tools/test. Go's and Java's programs run
where `go list` and `javap` find their clients (GOPATH or a module, CLASSPATH); elsewhere a warning in pytest's
summary says that they did not.
"""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import warnings

import pytest

import harness

PAGE = (harness.ROOT / "docs" / "RECIPES.md").read_text()
# Where Debian's node-redis is.
ENVIRONMENT = {**os.environ, "NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")}
# How a program is run, and what shows that its client is there.
LANGUAGES = {
    "python": ([sys.executable], None),
    "javascript": (["node"], ["node", "-e", "require('redis')"]),
    "go": (["go", "run"], ["go", "list", "github.com/redis/go-redis/v9"]),
    "java": (["java"], ["javap", "redis.clients.jedis.JedisPooled"]),
}
FILES = {"python": "{}.py", "javascript": "{}.js", "go": "{}.go", "java": "{}.java"}
# A first run may compile.
DEADLINE_SECONDS = 120


def program(flow, language):
    """The block of that language in the chapter `## Flow-style`."""
    chapter = re.search(rf"^## {flow}-style.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[0]
    (block,) = re.findall(rf"```{language}\n(.*?)```", chapter, re.DOTALL)
    return block


def is_there(command):
    return shutil.which(command[0]) and (
        subprocess.run(command, env=ENVIRONMENT, capture_output=True, timeout=DEADLINE_SECONDS).returncode == 0
    )


@pytest.fixture(params=LANGUAGES)
def recipe(request, tmp_path):
    """Starts a flow's program in one language: `recipe(flow, server's port, arguments)`."""
    language = request.param
    run, probe = LANGUAGES[language]
    if probe and not is_there(probe):
        why = f"docs/RECIPES.md: the {language} programs were NOT run, since '{' '.join(probe)}' fails"
        warnings.warn(why)
        pytest.skip(why)
    started = []

    def start(flow, port, *arguments, stdin=subprocess.DEVNULL):
        name = flow if language == "java" else flow.lower()
        path = tmp_path / FILES[language].format(name)
        path.write_text(program(flow, language))
        process = subprocess.Popen(
            [*run, path, *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**ENVIRONMENT, "TEAROFF_URL": f"redis://127.0.0.1:{port}"}, text=True, start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        # With the group, since `go run` starts a program of its own.
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        with process:
            pass


class LosingProxy:
    """Passes everything on between clients and the server, but loses one reply to `verb` with its connection: what
    was asked is done, and whoever asked does not know."""

    def __init__(self, port, verb):
        self._port, self._verb, self.losses = port, verb, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            asked = threading.Event()
            threading.Thread(target=self._pass, args=(client, server, asked, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, asked, True), daemon=True).start()

    def _pass(self, source, target, asked, is_reply):
        try:
            while data := source.recv(1 << 16):
                if self._verb in data and not is_reply:
                    asked.set()
                if is_reply and asked.is_set() and self.losses == 0:
                    self.losses += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in [source, target]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture
def losing(server):
    proxies = []

    def start(verb):
        proxies.append(LosingProxy(server.port, verb))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


def finish(process, text):
    output, words = process.communicate(text, timeout=DEADLINE_SECONDS)
    return process.returncode, list(csv.reader(output.splitlines())), words


def test_klaviyo_profiles_get_codes_before_the_flow_sends(recipe, server, losing):
    # Goal: every profile has one code, also when a reply is lost; who got none is told by the error's word. Method:
    # three batches, of which the first one's reply is lost; 100 codes too few; then all of it once more.
    harness.make_campaign(server, count=2_400)
    profiles = [f"profile-{number}" for number in range(2_500)]
    proxy = losing(b"ALLOCMANY")
    for _ in range(2):
        process = recipe("Klaviyo", proxy.port, "summer", stdin=subprocess.PIPE)
        code, rows, words = finish(process, "\n".join(profiles) + "\n")
        assert code == 1 and "EXHAUSTED" in words and "100" in words, words
        assert rows == [[profile, f"C{number:08d}"] for number, profile in enumerate(profiles[:2_400], 1)]
    assert proxy.losses == 1
    assert harness.ledger(server)["given"] == 2_400


def test_klaviyo_stops_at_what_no_retry_mends(recipe, server):
    # Goal: a wrong name is told at once. Method: a campaign that is not there.
    process = recipe("Klaviyo", server.port, "winter", stdin=subprocess.PIPE)
    code, rows, words = finish(process, "profile-1\n")
    assert code == 1 and rows == [] and "NOCAMPAIGN" in words


def test_shopify_codes_are_uploaded_and_each_customer_gets_one(recipe, server, losing, tmp_path):
    # Goal: the shop's codes, one for each customer, whatever breaks. Method: the reply to the first pipeline is lost;
    # the same run again; then more customers than codes.
    (tmp_path / "codes.txt").write_bytes(harness.codes(500))
    customers = [f"customer-{number}" for number in range(450)]
    proxy = losing(b"ALLOC")
    runs = []
    for _ in range(2):
        process = recipe("Shopify", proxy.port, "shop", "welcome", tmp_path / "codes.txt", stdin=subprocess.PIPE)
        code, rows, words = finish(process, "\n".join(customers) + "\n")
        assert code == 0, words
        runs.append(dict(rows))
    assert proxy.losses == 1
    # Which of them come first depends on where the pipeline broke.
    assert runs[0] == runs[1] and set(runs[0]) == set(customers)
    assert sorted(runs[0].values()) == [f"C{number:08d}" for number in range(1, 451)]
    assert harness.ledger(server, "shop")["given"] == 450
    later = "".join(f"later-{number}\n" for number in range(60))
    process = recipe("Shopify", server.port, "shop", "welcome", tmp_path / "codes.txt", stdin=subprocess.PIPE)
    code, rows, words = finish(process, later)
    assert code == 1 and len(rows) == 50 and "EXHAUSTED" in words and "10" in words, words
    ledger = harness.ledger(server, "shop")
    assert (ledger["uploaded"], ledger["given"], ledger["uploads"]) == (500, 500, 1)


def test_shopify_refuses_a_file_with_bad_lines(recipe, server, tmp_path):
    # Goal: nobody is given a code of a wrong file. Method: a line with a comma.
    (tmp_path / "codes.txt").write_text("GOOD1\nBAD,1\n")
    process = recipe("Shopify", server.port, "shop", "welcome", tmp_path / "codes.txt", stdin=subprocess.PIPE)
    code, rows, words = finish(process, "customer-1\n")
    assert code == 1 and rows == [] and "refused" in words
    assert harness.ledger(server, "shop")["uploaded"] == 0


def asked(address, path, user):
    try:
        with urllib.request.urlopen(f"{address}{path}?user={user}", timeout=DEADLINE_SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_braze_asks_at_send_time_and_tells_what_became_of_it(recipe, start):
    # Goal: the statuses of the page: a code is held, delivered or back; none; ask again. Method: two codes, three
    # users, a server that goes away and comes back on its port.
    server = start("--listen", f"127.0.0.1:{harness.free_port()}")
    harness.make_campaign(server, count=2)
    address = recipe("Braze", server.port, "summer", 0).stdout.readline().strip()
    # Node's client connects in the background.
    harness.wait_until(lambda: asked(address, "/code", "u1")[0] == 200, "the first code")
    assert asked(address, "/code", "u1") == (200, {"code": "C00000001"})
    assert [asked(address, "/delivered", "u1")[0] for _ in range(2)] == [200, 200]
    assert asked(address, "/bounced", "u1") == (409, {"error": "GIVEN"})
    assert asked(address, "/code", "u2") == (200, {"code": "C00000002"})
    assert asked(address, "/bounced", "u2")[0] == 200
    assert asked(address, "/bounced", "u2") == (410, {"error": "NOHOLD"})
    assert asked(address, "/delivered", "u2") == (410, {"error": "NOHOLD"})
    assert asked(address, "/code", "u3") == (404, {"error": "EXHAUSTED"})
    assert asked(address, "/code", "") == (400, {"error": "SYNTAX"})
    server.stop()
    assert asked(address, "/code", "u1") == (503, {"error": "UNREACHABLE"})
    start("--listen", f"127.0.0.1:{server.port}")
    harness.wait_until(lambda: asked(address, "/code", "u1") == (200, {"code": "C00000001"}), "the same code")


def test_a_reply_that_was_lost_holds_no_second_code(recipe, server, losing):
    # Goal: to ask again is safe. Method: the reply to the first HOLD is lost.
    harness.make_campaign(server, count=5)
    proxy = losing(b"HOLD")
    address = recipe("Braze", proxy.port, "summer", 0).stdout.readline().strip()
    status = harness.wait_until(
        lambda: next((answer for answer in [asked(address, "/code", "u1")] if answer[0] == 200), None), "a code"
    )
    assert status == (200, {"code": "C00000001"}) and proxy.losses == 1
    assert harness.ledger(server)["held"] == 1
