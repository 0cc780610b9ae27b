"""What every test of the real process shares."""

import shutil
import subprocess

import pytest

import harness


def pytest_configure():
    if not harness.TEAROFFD.exists():
        pytest.exit(
            f"{harness.TEAROFFD} is missing: run ./tools/test, or swift build -c release", returncode=2
        )


@pytest.fixture
def directory():
    """A path for a data directory; nothing is there yet."""
    return harness.new_directory()


@pytest.fixture
def start(directory):
    """Starts servers, by default on the test's own directory; whatever still runs at the test's end is
    ended."""
    servers = []

    def start(*flags, on=None, **settings):
        server = harness.Server(on or directory, *flags, **settings)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server(start):
    """A running server on a new directory."""
    return start()


@pytest.fixture
def connection(server):
    """One to a server with an empty list june, which the campaign summer draws from."""
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june")
        yield connection


@pytest.fixture
def strace():
    """The tracer's name. In some containers no process may be traced."""
    name = shutil.which("strace")
    if name is None or subprocess.run([name, "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("strace is missing, or may not trace")
    return name
