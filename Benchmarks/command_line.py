"""What the command lines of the benchmarks' programs have in common."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

EXIT_FAILED = 1
EXIT_USAGE = 64


class Parser(argparse.ArgumentParser):
    """Ends with the exit code that all of this project's tools have for a wrong command line."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")
