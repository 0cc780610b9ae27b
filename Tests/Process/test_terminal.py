"""What tearoffctl does for a person at a terminal, and for nobody else."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading

import pytest

import harness


def run_in_terminal(server, *words, answer=None, columns=80):
    """Runs tearoffctl with a pseudo terminal for all three streams; returns the exit code and what was shown."""
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [str(word) for word in [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"]],
        stdin=inside, stdout=inside, stderr=inside, close_fds=True,
    )
    os.close(inside)
    shown = b""

    def read():
        nonlocal shown
        try:
            while part := os.read(outside, 4_096):
                shown += part
        except OSError:
            pass  # The other side has closed it.

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    if answer is not None:
        harness.wait_until(lambda: b"Type yes" in shown, "the question")
        os.write(outside, answer.encode() + b"\n")
    code = process.wait(harness.DEADLINE_SECONDS)
    reader.join(harness.DEADLINE_SECONDS)
    os.close(outside)
    return code, shown.decode()


@pytest.mark.parametrize("answer, code, free", [("no", 64, 10), ("", 64, 10), ("yes", 0, 0)])
def test_an_undo_asks_a_person(server, answer, code, free):
    # Goal: what would go is told, and only a yes does it. Method: a pseudo terminal, and the ledger behind it.
    harness.make_campaign(server, count=10)
    found, shown = run_in_terminal(server, "list", "undo", "june", 0, answer=answer)
    assert found == code and "10 free codes of 10" in shown
    assert harness.ledger(server)["free"] == free


def test_a_script_says_yes(server):
    # Goal: without a terminal nothing is asked and nothing done, but with --yes. Method: both.
    harness.make_campaign(server, count=10)

    def run(*words):
        line = [harness.TEAROFFCTL, "list", "undo", "june", "0", "--server", f"127.0.0.1:{server.port}", *words]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.returncode, done.stderr

    code, words = run()
    assert code == 64 and "--yes" in words
    assert harness.ledger(server)["free"] == 10
    assert run("--yes")[0] == 0
    assert harness.ledger(server)["free"] == 0


def test_a_table_fits_the_screen(server):
    # Goal: no line of the audit trail is wider than the terminal, and elsewhere nothing is cut. Method: three widths.
    harness.make_campaign(server, count=10)
    for columns in [132, 100, 80]:
        code, shown = run_in_terminal(server, "audit", columns=columns)
        lines = shown.splitlines()
        assert code == 0 and any("…" in line for line in lines)
        assert max(len(line) for line in lines) <= columns
    line = [harness.TEAROFFCTL, "audit", "--server", f"127.0.0.1:{server.port}"]
    whole = subprocess.run(line, capture_output=True, text=True).stdout
    assert "…" not in whole and max(len(line) for line in whole.splitlines()) > 100
