"""redis-cli works with the server as it is: one command, lines from a pipe, RESP3, mass insertion, and its
help."""

import os
import pty
import re
import select
import subprocess
import time

import harness


def cli(server, *words, text=None):
    """Runs redis-cli to its end; returns what it printed."""
    done = subprocess.run(
        ["redis-cli", "-p", str(server.port), *map(str, words)], input=text, capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_command(server):
    # Goal: a command on the command line. Method: two users.
    harness.make_campaign(server)
    assert cli(server, "ALLOC", "summer", "u1") == b"C00000001\n"
    assert cli(server, "alloc", "summer", "u 2") == b"C00000002\n"
    assert cli(server, "ALLOC", "nosuch", "u1").startswith(b"NOCAMPAIGN")


def test_lines_from_a_pipe(server):
    # Goal: many commands, one line each. Method: with quotes, escapes and an error among them.
    harness.make_campaign(server)
    lines = b"ALLOC summer u1\nALLOC summer \"a b\\x41\\n\"\nNOSUCH\nALLOC summer 'it\\'s'\nALLOC summer u1\n"
    output = cli(server, text=lines).splitlines()
    assert output[0:2] == [b"C00000001", b"C00000002"]
    assert output[2].startswith(b"ERR")
    assert [line for line in output[3:] if line] == [b"C00000003", b"C00000001"]
    assert cli(server, "--no-raw", "USER", "HISTORY", "a bA\n").count(b"C00000002") == 1


def test_resp3_shows_maps(server):
    # Goal: -3 asks for RESP3 and shows maps as such. Method: the form of its lines.
    harness.make_campaign(server)
    output = cli(server, "-3", "--no-raw", "LIST", "INFO", "june").decode()
    assert re.search(r'^ *1# "name" => "june"$', output, re.MULTILINE)
    assert '"expired" => (false)' in output and '"expires-at" => (nil)' in output
    assert "(integer) 1000" in output


def test_mass_insertion(server):
    # Goal: redis-cli --pipe. Method: 20,000 new users; it counts replies and errors itself.
    harness.make_campaign(server, count=20_000)
    data = b"".join(harness.encode("ALLOC", "summer", f"u{number}") for number in range(20_000))
    output = cli(server, "--pipe", text=data).decode()
    assert "errors: 0, replies: 20000" in output
    assert harness.ledger(server)["given"] == 20_000


def test_a_person_with_a_plain_socket(server):
    # Goal: inline lines without any client. Method: as with nc, LF and CR LF, empty lines, quotes that do not
    # match.
    harness.make_campaign(server)
    with server.connect() as connection:
        connection.send_bytes(b'PING\n\r\n\nALLOC summer "u1"\r\nALLOC summer "u1\nPING\nQUIT\n')
        assert connection.read() == b"PONG"
        assert connection.read() == b"C00000001"
        assert connection.read().word == "SYNTAX"
        assert connection.read() == b"PONG"
        assert connection.read() == b"OK"
        assert connection.is_closed()


def test_command_docs(server):
    # Goal: COMMAND DOCS as redis-cli reads it. Method: one command, and all.
    output = cli(server, "COMMAND", "DOCS", "ALLOC").decode().lower()
    assert "summary" in output and "code" in output
    assert len(cli(server, "COMMAND", "DOCS")) > 2_000


def test_interactive_help_comes_from_the_server(server):
    # Goal: `help ALLOC` in an interactive redis-cli tells our summary. Method: a terminal of our own.
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        os.execvp("redis-cli", ["redis-cli", "-p", str(server.port)])
    output = b""
    deadline = time.monotonic() + harness.DEADLINE_SECONDS
    try:
        os.write(terminal, b"help ALLOC\n")
        while b"summary:" not in output and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                output += os.read(terminal, 65_536)
    finally:
        os.close(terminal)
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert b"ALLOC" in output and b"summary:" in output, output
