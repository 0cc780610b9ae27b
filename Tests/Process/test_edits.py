"""Changes of lists and campaigns on a real server, with the admin tool, across a kill."""

import subprocess

import pytest

import harness
from harness import tool


def test_a_list_and_a_campaign_are_what_they_were_made(start):
    # Goal: name, warning and rules change at once and outlive a kill. Method: the tool for each, then the figures, on
    # two lives.
    server = start()
    harness.make_campaign(server, count=10)
    assert server.call("ALLOC", "summer", "u1") == b"C00000001"
    assert tool(server, "list", "set", "june", "--warn", 9, "--name", "july").returncode == 0
    assert tool(server, "campaign", "set", "summer", "--retrigger", "always", "--returns", "reuse").returncode == 0
    for life in range(2):
        with server.connect() as connection:
            info = connection.call_map("LIST", "INFO", "july")
            assert (info[b"warn-at"], info[b"low"]) == (9, 1)
            campaign = connection.call_map("CAMPAIGN", "INFO", "summer")
            assert (campaign[b"list"], campaign[b"retrigger"], campaign[b"returns"]) == (b"july", b"always", b"reuse")
            assert connection.error_of("LIST", "INFO", "june") == "NOLIST"
            assert connection.call("ALLOC", "summer", "u1") == b"C%08d" % (life + 2)
        if life == 0:
            server.kill()
            server = start()
    refused = tool(server, "list", "set", "june", "--name", "x")
    assert refused.returncode == 1 and "NOLIST" in refused.stderr
    server.call("LIST", "CREATE", "june", "UNIQUE")
    refused = tool(server, "list", "set", "june", "--name", "july")
    assert refused.returncode == 1 and "EXISTS" in refused.stderr
    assert tool(server, "list", "set", "june").returncode == 64
    assert tool(server, "campaign", "set", "summer").returncode == 64


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_tool_completes_itself(shell):
    # Goal: the script that the manual names is there and knows the commands. Method: look for some.
    done = subprocess.run(
        [harness.TEAROFFCTL, "--generate-completion-script", shell], capture_output=True, text=True,
        timeout=harness.DEADLINE_SECONDS,
    )
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("campaign", "export", "retrigger", "tearoffctl"))


def test_a_campaign_keeps_to_its_settings(start):
    # Goal: each limit has its own error word, on the wire and across a kill. Method: one campaign for each setting,
    # made by the tool, asked once more than it allows.
    server = start()
    harness.make_campaign(server, count=100)
    server.call("LIST", "CREATE", "ten-off", "FIXED", "SAVE10", 2)

    def create(name, *options):
        done = tool(server, "campaign", "create", name, "--list", "june", *options)
        assert done.returncode == 0, done.stderr

    create("quota", "--quota", 2)
    create("daily", "--day-quota", 2)
    create("early", "--start", "2999-01-01")
    create("trial", "--test", "SAMPLE")
    create("short", "--validity", 1)
    for life in range(2):
        with server.connect() as connection:
            for campaign, word in [("quota", "QUOTA"), ("daily", "DAYQUOTA")]:
                codes = {connection.call("ALLOC", campaign, f"u{number}") for number in range(2)}
                assert len(codes) == 2 and connection.error_of("ALLOC", campaign, "u2") == word
            assert connection.error_of("ALLOC", "early", "u1") == "NOTOPEN"
            assert connection.call("ALLOC", "trial", "u1") == connection.call("HOLD", "trial", "u1", "FOR", "1h")
            assert connection.call("ALLOC", "trial", "u1") == b"SAMPLE"
            full = harness.as_map(connection.call("ALLOC", "trial", "u1", "FULL"))
            assert (full[b"status"], full[b"ordinal"]) == (b"test", None)
            assert connection.call("ALLOCMANY", "trial", "u1", "u2") == [[b"SAMPLE", b"test"]] * 2
            assert connection.call("CONFIRM", "trial", "u1") == connection.call("RELEASE", "trial", "u1") == b"OK"
            assert connection.call("USER", "HISTORY", "u9") == []
            assert connection.call_map("PREVIEW", "trial")[b"status"] == b"test"
            expiry = harness.as_map(connection.call("ALLOC", "short", "u1", "FULL"))[b"expires-at"]
            history = [harness.as_map(row) for row in connection.call("USER", "HISTORY", "u1")]
            assert expiry.endswith(b"T23:59:59.999Z")
            assert [row[b"expires-at"] for row in history if row[b"campaign"] == b"short"] == [expiry]
        if life == 0:
            server.kill()
            server = start()
    assert tool(server, "campaign", "set", "early", "--start", "none", "--rate", 1).returncode == 0
    with server.connect() as connection:
        connection.send_bytes(b"".join(harness.encode("ALLOC", "early", f"r{number}") for number in range(20)))
        replies = [connection.read() for _ in range(20)]
        assert any(str(reply).startswith("RATE ") for reply in replies), replies
        connection.call("LIST", "SET", "june", "PERUSER", 1)
        connection.call("CAMPAIGN", "SET", "early", "RATE", "NONE")
        assert connection.call("ALLOC", "early", "once")
        assert connection.error_of("ALLOC", "summer", "once") == "USERLIMIT"
        connection.call("CAMPAIGN", "SET", "summer", "OVERFLOW", "ten-off")
        full = harness.as_map(connection.call("ALLOC", "summer", "once", "FULL"))
        assert (full[b"code"], full[b"list"]) == (b"SAVE10", b"ten-off")
        connection.call("CAMPAIGN", "SET", "summer", "END", "2020-01-01")
        assert connection.error_of("ALLOC", "summer", "twice") == "CLOSED"
        assert connection.call("ALLOC", "summer", "once") == b"SAVE10"
    refused = tool(server, "campaign", "set", "summer", "--overflow", "june")
    assert refused.returncode == 1 and "SYNTAX" in refused.stderr
