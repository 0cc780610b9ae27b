"""A client that does as it should, one ECHO after the other, until its standard input ends; then it prints how many
seconds each took, a line each. See greedy.Bystander."""

import select
import sys
import time

import harness


def main():
    seconds = []
    with harness.Connection(int(sys.argv[1])) as connection:
        print("begun", flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            word = str(len(seconds)).encode()
            started = time.monotonic()
            assert connection.call("ECHO", word) == word
            seconds.append(time.monotonic() - started)
    print("\n".join(map(str, seconds)))


if __name__ == "__main__":
    main()
