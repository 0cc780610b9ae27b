"""A client that sends a command as often as it is told to, as fast as may be, and reads the replies meanwhile: it
connects, says so, waits for a line, and says when the last reply has come. See greedy.Endless."""

import sys
import threading

import greedy
import harness


def main():
    port, count, *words = sys.argv[1:]
    data = harness.encode(*words) * int(count) + harness.encode("ECHO", "the end")
    with harness.Connection(int(port)) as connection:
        print("ready", flush=True)
        sys.stdin.readline()
        sender = threading.Thread(target=greedy.send_all, args=(connection.socket, data))
        sender.start()
        last = b""
        while not last.endswith(b"the end\r\n"):
            received = connection.socket.recv(1 << 20)
            assert received, "the server has closed the connection"
            last = (last + received)[-20:]
        sender.join()
        print("done", flush=True)


if __name__ == "__main__":
    main()
