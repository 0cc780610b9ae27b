"""The long forms of what the suite has in short: thousands of clients, a thousand kills, a machine that fails again
and again. Each prints what it did and the figures; the last lines are a table."""

import argparse
import random
import subprocess
import sys
import time
import traceback

import crash
import greedy
import harness
import machine

SERVER_FLAGS = ["--threads", 2]


# MARK: - Clients


def quiet_p99(server, seconds=2):
    """Of a client that has the server for itself."""
    with greedy.Bystander(server) as alone:
        time.sleep(seconds)
    return alone.p99_milliseconds


def beside(name, flags, count, crowd, memory_mib=512):
    """A crowd beside a client that does as it should: what it waited for, and what the server took."""

    def run(settings):
        with harness.Server(harness.new_directory(), *SERVER_FLAGS, *flags) as server:
            harness.make_campaign(server)
            alone = quiet_p99(server)
            peak = greedy.Peak(server)
            with greedy.Bystander(server) as other:
                crowd(server, peak)
            bound = greedy.bound_bytes(count + 3, memory_mib)
            assert peak.most - peak.before < bound, f"{peak.most - peak.before} bytes, {bound} were expected at most"
            figures = server.info()
            server.stop()
        ratio = other.p99_milliseconds / alone
        return (
            f"{len(other.seconds)} commands of another client, p99 {alone:.2f} ms alone and "
            f"{other.p99_milliseconds:.2f} ms beside them ({ratio:.1f}x); "
            f"{(peak.most - peak.before) >> 20} MiB taken, {bound >> 20} MiB allowed; "
            f"{figures['clients_overdue']} overdue"
        )

    run.__doc__ = name
    return run


def slow_crowd(server, peak):
    """A byte a second from each of 1,000, until the server has closed them all."""
    with harness.closing([server.connect() for _ in range(1_000)]) as clients:
        slow = list(clients)
        data = b"*2\r\n$4\r\nECHO\r\n$60000\r\n" + b"x" * 60
        for byte in data:
            slow = [client for client in slow if greedy.is_open(client)]
            for client in slow:
                greedy.send_all(client.socket, bytes([byte]))
            peak.look()
            if not slow:
                return
            time.sleep(1)
        raise AssertionError(f"{len(slow)} slow clients are still there")


def unread_crowd(server, peak):
    """Floods of 1,000 that read nothing, for ten seconds."""
    data = b"".join(harness.encode("ECHO", b"m" * 4_000) for _ in range(100))
    with harness.closing([server.connect() for _ in range(1_000)]) as clients:
        for client in clients:
            client.socket.setblocking(False)
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            for client in clients:
                greedy.flood_once(client.socket, data)
            peak.look()


def coming_and_going(server, peak):
    """10,000 connections, opened and dropped."""
    for _ in range(20):
        greedy.open_and_drop(server, 500)
        peak.look()
    harness.wait_until(lambda: server.info()["connected_clients"] <= 2, "all are gone")


def strangers(count, rate):
    """Connections of garbage: so many a second, or as many as one process can make."""

    def crowd(server, peak):
        dice = random.Random(7)
        begun = time.monotonic()
        for number in range(count):
            if rate:
                time.sleep(max(0, begun + number / rate - time.monotonic()))  # Their pace is the point.
            with server.connect() as stranger:
                greedy.send_all(stranger.socket, greedy.garbage(dice))
            if number % 100 == 0:
                peak.look()
        say(f"   {count / (time.monotonic() - begun):,.0f} connections a second")

    return crowd


def elsewhere(crowd):
    """The crowd beside another server on the same machine: what is the machine's, not the server's."""

    def run(server, peak):
        with harness.Server(harness.new_directory(), *SERVER_FLAGS) as other:
            crowd(other, peak)
            other.stop()

    return run


# MARK: - The process


def kills(settings):
    """SIGKILL at random moments under load."""
    test = crash.CrashTest(settings.seed, settings.kills, say=say)
    count = test.run()
    return f"{count} kills, {len(test.owners)} codes given, none twice, none lost"


def stops(settings, rounds=20):
    """SIGSTOP and SIGCONT under load."""
    given = machine.Given()
    with harness.Server(harness.new_directory(), *SERVER_FLAGS) as server:
        harness.make_campaign(server, count=400_000)
        dice = random.Random(settings.seed)
        with crash.Load(
            server.port, seed=settings.seed, connections=4, depth=32, campaigns=["summer"], users=50_000
        ) as load:
            for _ in range(rounds):
                with greedy.stopped(server):
                    time.sleep(dice.uniform(0, 0.5))
                time.sleep(dice.uniform(0, 0.2))
            load.finish()
        assert not load.conflicts and not load.errors, (load.conflicts[:3], load.errors)
        given.codes = {user: code for (_, user), code in load.acknowledged.items()}
        given.unanswered = [user for _, user in load.unanswered]
        given.check(server)
        server.stop()
    return f"{rounds} stops, {len(given.codes)} codes given"


SCENARIOS = {
    "slow-clients": beside(
        "a byte a second from each of 1,000 clients", ["--request-seconds", 10], 1_000, slow_crowd
    ),
    "unread-floods": beside(
        "floods of 1,000 clients that read nothing",
        ["--client-memory-mib", 128, "--unread-seconds", 5],
        1_000,
        unread_crowd,
        128,
    ),
    "open-and-drop": beside("10,000 connections opened and dropped", [], 500, coming_and_going),
    "garbage": beside("5,000 connections of garbage, 1,000 a second", [], 100, strangers(5_000, 1_000)),
    "garbage-elsewhere": beside("the same at another server", [], 100, elsewhere(strangers(5_000, 1_000))),
    "garbage-faster": beside("20,000 connections of garbage, 5,000 a second", [], 100, strangers(20_000, 5_000)),
    "garbage-flood": beside("20,000 connections of garbage, as many as can be", [], 100, strangers(20_000, None)),
    "stops": stops,
    "full-disk": lambda settings: machine.full_disk(rounds=5),
    "nearly-full-disk": lambda settings: machine.nearly_full_disk(),
    "upload-on-a-full-disk": lambda settings: machine.upload_on_a_full_disk(),
    "lost-power": lambda settings: machine.lost_power(rounds=100),
    "read-only": lambda settings: machine.read_only(),
    "moved-directory": lambda settings: machine.moved_directory(replace=False),
    "replaced-directory": lambda settings: machine.moved_directory(replace=True),
    "little-memory": lambda settings: machine.little_memory(),
    "killed-for-memory": lambda settings: machine.killed_for_memory(),
    "kills": kills,
}


def say(text):
    print(text, flush=True)


def run(name, settings):
    """A scenario's outcome: passed, skipped or FAILED, and what it has to say."""
    started = time.monotonic()
    try:
        outcome, words = "passed", SCENARIOS[name](settings)
    except machine.Unavailable as why:
        outcome, words = "skipped", str(why)
    except (AssertionError, OSError, subprocess.SubprocessError, harness.Closed) as failure:
        traceback.print_exc()
        outcome, words = "FAILED", str(failure).splitlines()[0] if str(failure) else type(failure).__name__
    return outcome, time.monotonic() - started, words


def main():
    parser = argparse.ArgumentParser(
        prog="torture",
        description="The long forms of the process tests. Without a name: all of them.",
        epilog="Scenarios: " + ", ".join(SCENARIOS),
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--kills", type=int, default=1_000, help="of the scenario of that name")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)), help="a random one if none")
    settings = parser.parse_args()
    unknown = [name for name in settings.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario {unknown[0]}; there are {', '.join(SCENARIOS)}")
    say(f"SEED={settings.seed} COMMIT={crash.commit_name()}")
    rows = []
    for name in settings.scenarios or SCENARIOS:
        say(f"== {name}")
        rows.append((name, *run(name, settings)))
        say(f"   {rows[-1][1]}: {rows[-1][3]}")
    say("")
    for name, outcome, seconds, words in rows:
        say(f"{name:22} {outcome:8} {seconds:6.0f} s  {words}")
    sys.exit(any(outcome == "FAILED" for _, outcome, _, _ in rows))


if __name__ == "__main__":
    main()
