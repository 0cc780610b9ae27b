"""docs/OPERATING.md has every setting, log line and exit code of the server, and none that there is not."""

import re
import subprocess

import certificates
import harness

PAGE = (harness.ROOT / "docs" / "OPERATING.md").read_text()


def rows(chapter):
    """The cells of the chapter's table, without its head; `\\|` is no border."""
    text = re.search(rf"^## {chapter}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def help_text():
    return subprocess.run([harness.TEAROFFD, "--help"], capture_output=True, text=True, check=True).stdout


def test_every_setting_has_its_row():
    # Goal: no setting is missing, and its values and its standard are right. Method: the help's options, in its
    # order.
    options = re.findall(r"^  (--[a-z].*)\n((?:      .*\n)+)", help_text(), re.MULTILINE)
    told = []
    for flag, words in options:
        standard = re.search(r"Standard: (.*)\.$", " ".join(words.split()))
        told.append([f"`{flag}`", standard[1] if standard else "none"])
    assert len(told) > 15
    assert [row[:2] for row in rows("Settings")] == told
    assert all(row[2] for row in rows("Settings"))


def test_every_log_line_has_its_row():
    # Goal: no event is missing, and its levels are right. Method: what the sources give to the logger.
    levels = {}
    for path in (harness.ROOT / "Sources").rglob("*.swift"):
        for level, event in re.findall(r"\blogger\.([a-z]+)\(\s*\"([^\"]*)\"", path.read_text()):
            levels.setdefault(event, []).append(level)
    assert len(levels) > 15
    told = {row[0]: set(row[1].split(", ")) for row in rows("Log lines")}
    assert told == {f"`{event}`": set(found) for event, found in levels.items()}
    assert all(row[2] and row[3] for row in rows("Log lines"))


def test_every_exit_code_has_its_row():
    # Goal: codes and their meanings as the program tells them. Method: the help's.
    codes = re.findall(r"^ +(\d+)  (\S.*)$", help_text().split("EXIT CODES\n")[1], re.MULTILINE)
    assert len(codes) > 8
    assert [tuple(row[:2]) for row in rows("Exit codes")] == codes
    assert all(row[2] for row in rows("Exit codes"))


def test_the_figures_to_watch_are_in_info(start, tmp_path):
    # Goal: nobody watches a figure that is not there. Method: the names in the table's first column, against a
    # server's INFO.
    authority = certificates.Authority(tmp_path)
    pair = authority.issue("server")
    server = start("--tls-certificate", pair.certificate, "--tls-key", pair.key, tls=authority.client())
    names = {
        name for row in rows("Alarms") for name in re.findall(r"`([a-z]+_[a-z_]+|maxclients)`", row[0] + row[1])
    }
    assert len(names) > 8
    assert names <= set(server.info()), names - set(server.info())


def test_links_and_headings_fit():
    # Goal: no link leads nowhere. Method: each link to a heading of the page, and each to a file beside it.
    lines = re.findall(r"^#+ (.*)$", PAGE, re.M)
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in lines}
    for page, heading in re.findall(r"\]\(([A-Z]+\.md)?(?:#([a-z-]+))?\)", PAGE):
        assert page == "" or (harness.ROOT / "docs" / page).exists(), page
        assert page or heading in headings, heading
