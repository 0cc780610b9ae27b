"""A pipelined load from a process of its own, which keeps its own ledger of what was acknowledged.

As a program it sends ALLOC over several connections until they break or its standard input ends, and then
writes what it knows to a file. All that it sends follows from its seed: only how far it comes depends on the
time. ``Load`` is the handle by which a test starts and ends it.
"""

import argparse
import pathlib
import random
import selectors
import socket
import subprocess
import sys
import tempfile
import threading

# Of the requests of a plain load, how many ask for a user again, and how many users all connections have in
# common.
REPEATED_SHARE = 0.15
REPORT_EVERY = 250


# MARK: - The process


class Plan:
    """What one connection sends, batch after batch."""

    def __init__(self, settings, index):
        self.settings = settings
        self.index = index
        self.random = random.Random(f"{settings.seed}/{0 if settings.storm else index}")
        self.shuffler = random.Random(f"{settings.seed}/{index}/order")
        self.users = 0

    def batch(self):
        """Pairs of campaign and user. In a storm all connections ask for the same users, in different
        orders."""
        pairs = [self._pair() for _ in range(self.settings.depth)]
        if self.settings.storm:
            self.shuffler.shuffle(pairs)
        return pairs

    def _pair(self):
        campaign = self.random.choice(self.settings.campaigns)
        connection = "all" if self.settings.storm else self.index
        spent = self.settings.users and self.users >= self.settings.users
        if self.users and (spent or self.random.random() < REPEATED_SHARE):
            if not self.settings.storm:
                connection = self.random.randrange(self.settings.connections)
            return campaign, f"{self.settings.seed}:{connection}:{self.random.randrange(self.users)}"
        self.users += 1
        return campaign, f"{self.settings.seed}:{connection}:{self.users - 1}"


class Ledger:
    """What was asked for, what was acknowledged, and every reply that contradicts an earlier one."""

    def __init__(self):
        self.acknowledged = {}
        self.asked = set()
        self.conflicts = []
        self.errors = {}
        self.replies = 0

    def note(self, pair, reply):
        self.replies += 1
        if reply.startswith("-"):
            word = reply[1:].split(" ", 1)[0]
            self.errors[word] = self.errors.get(word, 0) + 1
        elif self.acknowledged.setdefault(pair, reply) != reply:
            self.conflicts.append((pair, self.acknowledged[pair], reply))

    def write(self, path):
        lines = [
            f"acknowledged {campaign} {user} {code}" for (campaign, user), code in self.acknowledged.items()
        ]
        lines += [f"unanswered {campaign} {user}" for campaign, user in self.asked - self.acknowledged.keys()]
        lines += [f"error {word} {count}" for word, count in self.errors.items()]
        lines += [f"conflict {pair[0]} {pair[1]} {first} {second}" for pair, first, second in self.conflicts]
        pathlib.Path(path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


class Talk:
    """One connection: sends a batch, reads its replies, sends the next."""

    def __init__(self, settings, index, ledger):
        self.plan = Plan(settings, index)
        self.ledger = ledger
        self.socket = socket.create_connection(("127.0.0.1", settings.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = []
        self.input = b""

    def send(self):
        self.waiting = self.plan.batch()
        self.ledger.asked.update(self.waiting)
        self.socket.sendall(
            b"".join(
                b"*3\r\n$5\r\nALLOC\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                % (len(campaign), campaign.encode(), len(user), user.encode())
                for campaign, user in self.waiting
            )
        )

    def receive(self):
        """False when the connection has ended."""
        data = self.socket.recv(1 << 16)
        if not data:
            return False
        lines = (self.input + data).split(b"\r\n")
        # Behind the last line end: the beginning of the next line.
        lines, rest = lines[:-1], lines[-1]
        position = answered = 0
        while position < len(lines):
            line = lines[position]
            if line.startswith(b"$"):
                if position + 1 == len(lines):
                    break
                line = lines[position + 1]
                position += 1
            position += 1
            self.ledger.note(self.waiting[answered], line.decode())
            answered += 1
        self.input = b"".join(line + b"\r\n" for line in lines[position:]) + rest
        del self.waiting[:answered]
        if not self.waiting:
            self.send()
        return True


def main():
    parser = argparse.ArgumentParser(description="Sends ALLOC until the server is gone.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--users", type=int, default=0, help="new users of each connection; 0: no limit")
    parser.add_argument("--campaigns", required=True, type=lambda text: text.split(","))
    parser.add_argument("--storm", action="store_true")
    parser.add_argument("--ledger", required=True)
    settings = parser.parse_args()
    ledger = Ledger()
    try:
        run(settings, ledger)
    except ConnectionError:
        pass  # The end that is expected: the server was killed.
    ledger.write(settings.ledger)


def run(settings, ledger):
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        talks = [Talk(settings, index, ledger) for index in range(settings.connections)]
        for talk in talks:
            selector.register(talk.socket, selectors.EVENT_READ, talk)
            talk.send()
        reported = 0
        while talks:
            for key, _ in selector.select():
                if key.data is None:
                    return
                try:
                    alive = key.data.receive()
                except ConnectionError:
                    alive = False
                if not alive:
                    # The others are read to their ends too: what is on its way was acknowledged.
                    selector.unregister(key.data.socket)
                    talks.remove(key.data)
            if ledger.replies >= reported + REPORT_EVERY or reported == 0:
                reported = ledger.replies
                print(len(ledger.acknowledged), flush=True)


# MARK: - The handle


class Load:
    """A running load process; what it knows is there after ``finish()``."""

    def __init__(self, port, seed, connections, depth, campaigns, users=0, storm=False):
        self.acknowledged = {}
        self.unanswered = []
        self.conflicts = []
        self.errors = {}
        self._count = 0
        self._ended = False
        self._news = threading.Condition()
        with tempfile.NamedTemporaryFile(prefix="load-", delete=False) as file:
            self._path = pathlib.Path(file.name)
        command = [
            sys.executable,
            __file__,
            "--port",
            port,
            "--seed",
            seed,
            "--connections",
            connections,
            "--depth",
            depth,
            "--users",
            users,
            "--campaigns",
            ",".join(campaigns),
            "--ledger",
            self._path,
        ]
        self.process = subprocess.Popen(
            [str(word) for word in command] + (["--storm"] if storm else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._path.unlink(missing_ok=True)

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self._count = int(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_acknowledged(self, count, seconds=30):
        """Waits until that many allocations are acknowledged, or the load has ended."""
        with self._news:
            if not self._news.wait_for(lambda: self._count >= count or self._ended, seconds):
                raise AssertionError(f"only {self._count} of {count} allocations within {seconds} s")

    def finish(self, seconds=30):
        """Ends the load, unless the server has, and reads its ledger."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # It ended by itself.
        code = self.process.wait(seconds)
        assert code == 0, f"the load process ended with {code}"
        for line in self._path.read_text(encoding="utf-8").splitlines():
            kind, *fields = line.split(" ")
            if kind == "acknowledged":
                self.acknowledged[fields[0], fields[1]] = fields[2].encode()
            elif kind == "unanswered":
                self.unanswered.append((fields[0], fields[1]))
            elif kind == "error":
                self.errors[fields[0]] = int(fields[1])
            else:
                self.conflicts.append(line)
        return self


if __name__ == "__main__":
    main()
