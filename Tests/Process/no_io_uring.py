"""Runs a program that may not use io_uring, as in many containers: `python3 no_io_uring.py PROGRAM ARGUMENT ...`

A seccomp filter answers io_uring_setup, io_uring_enter and io_uring_register with EPERM, and lets all else through.
"""

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_IF_AT_LEAST, JUMP_IF_GREATER, RETURN = 0x20, 0x35, 0x25, 0x06
ALLOW, EPERM = 0x7FFF0000, 0x00050000 | 1
# The same numbers on every architecture that Linux has got since.
FIRST_CALL, LAST_CALL = 425, 427


def forbid():
    """For this process and whatever it becomes."""
    instructions = [
        (LOAD_WORD, 0, 0, 0),
        (JUMP_IF_AT_LEAST, 0, 2, FIRST_CALL),
        (JUMP_IF_GREATER, 1, 0, LAST_CALL),
        (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    memory = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)]:
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    forbid()
    os.execv(sys.argv[1], sys.argv[1:])
