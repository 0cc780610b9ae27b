"""What is measured on, and with what: shown in the report beside the figures."""

from __future__ import annotations

import pathlib
import platform
import re
import subprocess

from .workplace import NOTES, PLOTS, REPORT, RESULTS, ROOT


def facts() -> dict[str, str]:
    """Names and values in the order of the report; what cannot be told is left out."""
    model = _first(r"model name\s*: (.*)", _text("/proc/cpuinfo"))
    kilobytes = int(_first(r"MemTotal:\s+(\d+) kB", _text("/proc/meminfo")) or 0)
    distribution = _first(r'PRETTY_NAME="(.*)"', _text("/etc/os-release"))
    found = {
        "processor": f"{_cores()} × {model}",
        "memory": f"{kilobytes / 2**20:.0f} GiB",
        "system": f"{distribution}, Linux {platform.release()}",
        "file system": _said(["findmnt", "-no", "FSTYPE", "-T", str(ROOT)]),
        "Tearoff": _commit(),
        "Swift": _first(r"Swift version (\S+)", _said(["swift", "--version"])),
        "Redis": _first(r"v=(\S+)", _said(["redis-server", "--version"])),
        "redis-benchmark": _first(r"(\d\S+)", _said(["redis-benchmark", "--version"])),
        "PostgreSQL": _first(r"\) (\S+)", _said(["psql", "--version"])),
        "load average at the start": _text("/proc/loadavg").split(" ")[0],
    }
    return {name: value for name, value in found.items() if value}


def _commit() -> str:
    """The commit, and whether anything but the report itself differs from it."""
    git = ["git", "-C", str(ROOT)]
    written = [f":!{path.relative_to(ROOT)}" for path in (RESULTS, PLOTS, REPORT, NOTES)]
    changed = _said([*git, "status", "--porcelain", "--", ".", *written])
    return _said([*git, "describe", "--always"]) + ("-dirty" if changed else "")


def _cores() -> int:
    return len(re.findall(r"^processor", _text("/proc/cpuinfo"), re.MULTILINE))


def _text(path: str) -> str:
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1).strip() if found else ""


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""
