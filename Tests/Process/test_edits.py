"""Changes of lists and campaigns on a real server, with the admin tool, across a kill."""

import subprocess

import pytest

import harness


def tool(server, *words):
    return subprocess.run(
        [str(word) for word in [harness.TEAROFFCTL, *words, "--server", f"127.0.0.1:{server.port}"]],
        capture_output=True, timeout=harness.DEADLINE_SECONDS, text=True,
    )


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
