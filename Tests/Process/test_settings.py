"""Settings files: whatever is in one, the server serves by it or says what is wrong, and never dies of it."""

import json
import os
import random

import pytest

import harness

SEED = os.environ.get("TEAROFF_SETTINGS_SEED", "20261127")
TRIES = int(os.environ.get("TEAROFF_SETTINGS_TRIES", "60"))
# Of wrong settings, and of a file that cannot be read.
REFUSALS = {64, 78}
SETTINGS = {
    "threads": 1,
    "shards": 4,
    "segmentKib": 1024,
    "logMechanism": "pwritev2",
    "timeZone": "Europe/Berlin",
    "maxConnections": 100,
    "feedRepeats": True,
    "idleSeconds": 60,
}
# What stands where something else is expected.
ODDITIES = [
    None, True, -1, 0, 1 << 31, 1 << 63, 1 << 64, 10**400, 0.5, 1e308, "", " ", "\0", "9" * 5_000, "ü", [], [1, "2"],
    {}, {"threads": 1}, "nan",
]


def nested(depth):
    return '{"threads":' * depth + "1" + "}" * depth


def documents():
    """Files of settings that somebody, or something, has spoiled."""
    dice = random.Random(SEED)
    yield from [b"", b"\xef\xbb\xbf{}", b"{", b"[]", b"null", b"\xff\xfe", b'{"threads":1,"threads":2}', b"\0" * 100]
    yield from [nested(depth).encode() for depth in (100, 100_000)]
    whole = json.dumps(SETTINGS).encode()
    for _ in range(TRIES):
        settings = dict(SETTINGS)
        settings[dice.choice(list(settings))] = dice.choice(ODDITIES)
        yield json.dumps(settings).encode()
        spoiled = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        yield bytes(spoiled)
        yield whole[: dice.randrange(len(whole))]


def test_no_settings_file_ends_the_server_otherwise_than_by_a_refusal(tmp_path):
    # Goal: a bad file never crashes it, and is told. Method: files with odd values, flipped bytes, and cut short.
    path = tmp_path / "tearoff.json"
    served = refused = 0
    for content in documents():
        path.write_bytes(content)
        with harness.Server(harness.new_directory(), "--config", path, wait=False) as server:
            try:
                harness.wait_until(
                    lambda: server.process.poll() is not None or "server.ready" in server.log, "it serves or refuses")
                if server.process.poll() is None:
                    server.kill()
                    served += 1
                else:
                    code = server.wait_exit()
                    assert code in REFUSALS and len(server.log) > 10, f"{code}: {server.log}"
                    refused += 1
            except AssertionError:
                print(f"SEED={SEED}: {content!r}")
                raise
    assert served > 0 and refused > TRIES


@pytest.mark.parametrize(
    "content, told",
    [
        ('{"maxConnection": 5}', "no setting 'maxConnection'"),
        ('{"max-connections": 5}', "no setting 'max-connections'"),
        ('{"maxConnections": "5"}', "'maxConnections' must be a whole number"),
        ('{"feedRepeats": "yes"}', "'feedRepeats' must be true or false"),
        ('{"timeZone": 1}', "'timeZone' must be a text"),
        ('{"threads": null}', "'threads' must be a whole number"),
        ("[]", "not a JSON object"),
        (" " * (1 << 20) + "{}", "more than 1048576 bytes"),
    ],
)
def test_what_would_not_be_a_setting_is_refused(directory, tmp_path, content, told):
    # Goal: no setting is silently not made. Method: misspelt names, and values of another kind.
    path = tmp_path / "tearoff.json"
    path.write_text(content)
    code, output = harness.exit_of("--config", path, directory=directory)
    assert code == 78 and told in output and str(path) in output
    assert not directory.exists()


@pytest.mark.parametrize(
    "flags, told",
    [
        (["--password-file", "a", "--password-file", "b"], "--password-file is given twice"),
        (["--config", "a", "--config=b"], "--config is given twice"),
        (["--expect-data", "--expect-data"], "--expect-data is given twice"),
        (["--expect-data=maybe"], "--expect-data must be true or false, not 'maybe'"),
        (["--shards", "4,8"], "--shards must be a number, not '4,8'"),
        (["--threads"], "--threads needs a value"),
    ],
)
def test_a_flag_that_is_not_clear_is_refused(directory, flags, told):
    # Goal: no flag is silently not made a setting, least of all the one of the password. Method: flags that come twice,
    # lists, and words that are neither true nor false.
    code, output = harness.exit_of(*flags, directory=directory)
    assert code == 64 and told in output
    assert not directory.exists()


def test_a_value_is_taken_as_it_stands(start, directory, tmp_path):
    # Goal: a comma or an equals sign in a value is part of it. Method: a password file of such a name.
    path = tmp_path / "a,b=c.pw"
    path.write_text("secret\n")
    server = start("--password-file", path)
    with server.connect() as connection:
        assert connection.error_of("LIST", "ALL") == "NOAUTH"
        assert connection.call("AUTH", "secret") == b"OK"


@pytest.mark.parametrize("word, refuses", [("yes", True), ("1", True), ("true", True), ("off", False)])
def test_a_toggle_is_said_in_any_usual_way(directory, word, refuses):
    # Goal: the guard against an unmounted disk holds however it is said. Method: the environment, and a new directory.
    with harness.Server(directory, wait=False, environment={"TEAROFF_EXPECT_DATA": word}) as server:
        if refuses:
            assert server.wait_exit() == 73, server.log
        else:
            server.wait_ready()
