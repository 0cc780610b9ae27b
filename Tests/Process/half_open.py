"""A peer that vanishes: run by test_clients.py in a network namespace of its own, whose only device can go down.

The reply to a wait is due when the network is down already, so it is never acknowledged; after --unread-seconds the
server must have let the connection go. Ends with 0 if so.
"""

import subprocess

import greedy
import harness


def set_network(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def is_feed_ready(server):
    """Right after a start it is still being read, and nobody can wait for an event."""
    with server.connect() as connection:
        connection.send("FEED", "READ", 1)
        return not isinstance(connection.read(), harness.ErrorReply)


def main():
    set_network("up")
    with harness.Server(harness.new_directory(), "--unread-seconds", 2) as server:
        harness.wait_until(lambda: is_feed_ready(server), "the feed is ready")
        client = server.connect()
        port = client.socket.getsockname()[1]
        client.send("FEED", "READ", 1, "BLOCK", 500)
        client.send("PING")
        harness.wait_until(lambda: greedy.timer_of(server.port, port), "the server has the connection")
        set_network("down")
        harness.wait_until(lambda: greedy.timer_of(server.port, port) is None, "the server lets the connection go")
        set_network("up")
        harness.wait_until(lambda: greedy.is_admitted(server), "others are served")
        harness.wait_until(lambda: server.info()["connected_clients"] == 1, "nobody else is counted")
        server.stop()


if __name__ == "__main__":
    main()
