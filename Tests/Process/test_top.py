"""INFO's latencies, and `tearoffctl top` on a real server: in a terminal, for scripts, and over a restart."""

import json
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time

import harness


def latency(server):
    lines = server.call("INFO", "latency").decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def test_each_answer_is_in_the_latencies_with_what_it_waited(start):
    # Goal: as many latencies as users answered, and none below the flush that its reply waited for. Method: a disk
    # whose flush takes 20 ms at least; new codes, a repeat that waits for nothing, a refusal, many at once.
    server = start("--test-flush-delay-microseconds", 20_000, "--threads", 1)
    harness.make_campaign(server, count=8)
    for number in range(5):
        server.call("ALLOC", "summer", f"u{number}")
    slow = latency(server)
    assert slow["latency_answers"] == "5"
    buckets = [tuple(map(int, pair.split("="))) for pair in slow["latency_microseconds_buckets"].split(",")]
    assert sum(count for _, count in buckets) == 5 and min(bound for bound, _ in buckets) >= 20_000
    assert int(slow["latency_microseconds_p50"]) >= 20_000
    assert buckets == sorted(buckets) and buckets[-1][0] == int(slow["latency_microseconds_max"])
    server.call("ALLOC", "summer", "u0")
    server.call("ALLOCMANY", "summer", "v1", "v2", "v3", "v4")
    assert latency(server)["latency_answers"] == "10"
    fast = min(int(pair.split("=")[0]) for pair in latency(server)["latency_microseconds_buckets"].split(","))
    assert fast < 20_000, "a repeat waits for no flush"


class Terminal:
    """The tool in a terminal of its own."""

    def __init__(self, *words):
        self.tool_side, self.own_side = None, None
        self.own_side, self.tool_side = pty.openpty()
        termios.tcsetwinsize(self.tool_side, (24, 80))
        self.settings = termios.tcgetattr(self.tool_side)
        self.text = ""
        environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [str(word) for word in [harness.TEAROFFCTL, *words]], stdin=self.tool_side, stdout=self.tool_side,
            stderr=self.tool_side, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.own_side)
        os.close(self.tool_side)

    def wait_for(self, word):
        """Reads on until the word was written; forgets what stood before it."""
        deadline = time.monotonic() + harness.DEADLINE_SECONDS
        while word not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"no {word!r} in {self.text[-500:]!r}"
            if select.select([self.own_side], [], [], left)[0]:
                self.text += os.read(self.own_side, 65536).decode(errors="replace")
        self.text = self.text.split(word, 1)[1]

    def is_as_before(self):
        return termios.tcgetattr(self.tool_side) == self.settings


def test_the_view_lives_over_a_restart_and_leaves_the_terminal_as_it_was(start):
    # Goal: rates and lists are shown, a server that goes is told and found again, and q gives the terminal back.
    # Method: a terminal of the test's own.
    server = start()
    harness.make_campaign(server, count=10)
    port = server.port
    with Terminal("top", "--interval", 0.1, "--port", port) as terminal:
        terminal.wait_for("\x1b[?1049h")
        assert not terminal.is_as_before()
        terminal.wait_for("codes/s     0")
        terminal.wait_for("june")
        server.stop()
        terminal.wait_for("trying again")
        server = start(port=port)
        terminal.wait_for("codes/s     0")
        os.write(terminal.own_side, b"q")
        terminal.wait_for("\x1b[?1049l")
        assert terminal.process.wait(harness.DEADLINE_SECONDS) == 0
        assert terminal.is_as_before()


def test_a_signal_leaves_the_terminal_as_it_was(server):
    # Goal: no way out leaves a terminal without echo. Method: Ctrl-C's signal, and a kill's.
    for number in (signal.SIGINT, signal.SIGTERM):
        with Terminal("top", "--interval", 0.1, "--port", server.port) as terminal:
            terminal.wait_for("codes/s")
            terminal.process.send_signal(number)
            terminal.wait_for("\x1b[?1049l")
            assert terminal.process.wait(harness.DEADLINE_SECONDS) == 0
            assert terminal.is_as_before()


def test_scripts_get_json_and_no_terminal_is_told(server):
    # Goal: what a script reads is what happened. Method: a line of JSON while codes are given; text once; neither.
    harness.make_campaign(server, count=100_000)
    words = [harness.TEAROFFCTL, "top", "--interval", "0.2", "--port", str(server.port)]
    tool = subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    over = threading.Event()

    def give():
        with server.connect() as connection:
            number = 0
            while not over.is_set():
                number += 1
                connection.call("ALLOC", "summer", f"u{number}")

    giver = threading.Thread(target=give)
    giver.start()
    try:
        seen = {"codes-per-second": 0}
        while seen["codes-per-second"] == 0:
            assert giver.is_alive(), "nobody asks for codes any more"
            seen = json.loads(tool.stdout.readline())
        assert seen["p50-microseconds"] > 0 and seen["frames-per-second"] > 0 and seen["clients"] >= 2
        tool.send_signal(signal.SIGINT)
        assert tool.wait(harness.DEADLINE_SECONDS) == 0
    finally:
        over.set()
        giver.join()
        tool.kill()
        tool.wait()
        tool.stdout.close()
    once = subprocess.run([*words, "--once"], capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS)
    assert once.returncode == 0 and "codes/s " in once.stdout and "june" in once.stdout
    assert "\x1b" not in once.stdout
    neither = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS)
    assert neither.returncode == 64 and "--once or --json" in neither.stderr
    wrong = subprocess.run([*words, "--interval", "0"], capture_output=True, text=True)
    assert wrong.returncode == 64
