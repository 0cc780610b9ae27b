"""The manual pages that tools/make-manuals writes are well-formed, and hold all that the programs tell of
themselves."""

import re
import subprocess

import pytest

import harness

SECTIONS = ["NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"]


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Each program's page: its path, and its text as a terminal shows it."""
    directory = tmp_path_factory.mktemp("manuals")
    run(harness.ROOT / "tools" / "make-manuals", directory, "--programs", harness.BINARIES)
    paths = {"tearoffctl": directory / "tearoffctl.1", "tearoffd": directory / "tearoffd.8"}
    # Without overstriking, and on lines so long that nothing is broken.
    return {
        name: (path, run("groff", "-man", "-Tascii", "-rLL=400n", "-P-cbou", path)) for name, path in paths.items()
    }


def chapters(text):
    """The text by its headings."""
    parts = re.split(r"^([A-Z][A-Z ]+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def options_in(text):
    """The flags that begin a line."""
    return re.findall(r"^ +(?:-h, )?(--[a-z-]+)", text, re.MULTILINE)


def commands(*words):
    """Every command of tearoffctl that has no subcommands, with its help."""
    text = run(harness.TEAROFFCTL, "help", *words)
    below = re.search(r"^SUBCOMMANDS:\n((?:  .*\n)+)", text, re.MULTILINE)
    if below is None:
        yield words, text
        return
    for name in re.findall(r"^  ([a-z-]+)", below[1], re.MULTILINE):
        yield from commands(*words, name)


def test_groff_has_nothing_to_complain_of(pages):
    # Goal: well-formed pages. Method: groff with all its warnings.
    for path, _ in pages.values():
        assert run("groff", "-ww", "-man", "-Tutf8", "-z", path) == ""


def test_each_page_has_its_sections(pages):
    # Goal: what readers of manuals look for is there. Method: the headings.
    for _, text in pages.values():
        found = chapters(text)
        assert all(found[section].strip() for section in SECTIONS), list(found)


def test_every_command_of_tearoffctl_and_every_option_is_there(pages):
    # Goal: nothing that the tool can is missing. Method: what `help` tells of each command, against that command's
    # part of the page.
    found = chapters(pages["tearoffctl"][1])
    parts = re.split(r"^   (\S.*)$", found["COMMANDS"], flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2]))
    told = dict(commands())
    assert len(told) >= 30 and {" ".join(words) for words in told} <= set(sections)
    for words, text in told.items():
        section = sections[" ".join(words)]
        missing = set(options_in(text)) - set(options_in(section)) - set(options_in(found["OPTIONS"])) - {"--help"}
        assert not missing, f"{words}: {missing}"
        abstract = re.search(r"OVERVIEW: (.*)", text)[1]
        assert abstract[:40] in section, words
        # Examples stand there as they are.
        examples = re.findall(r"^  (\S.*)$", text.split("USAGE:")[0], re.MULTILINE)
        assert all(example in section for example in examples), words


def test_the_help_and_the_page_have_the_same_exit_codes(pages):
    # Goal: exit codes as the programs tell them. Method: the numbers, of both programs.
    for name, (_, text) in pages.items():
        told = run(harness.BINARIES / name, "--help")
        listed = re.findall(r"^ +(\d+)  +\S", re.split(r"exit codes:?\n", told, flags=re.IGNORECASE)[1], re.MULTILINE)
        assert len(listed) > 8
        assert re.findall(r"^ +(\d+) +\S", chapters(text)["EXIT STATUS"], re.MULTILINE) == listed


def test_every_setting_of_tearoffd_is_there_with_its_variable(pages):
    # Goal: no setting is missing. Method: the flags of its help.
    found = chapters(pages["tearoffd"][1])
    flags = [flag for flag in options_in(run(harness.TEAROFFD, "--help")) if flag != "--help"]
    assert len(flags) > 15
    assert [flag for flag in options_in(found["OPTIONS"]) if flag != "--help"] == flags
    variables = ["TEAROFF_" + flag[2:].replace("-", "_").upper() for flag in flags]
    assert re.findall(r"^ +(TEAROFF_\S+)$", found["ENVIRONMENT"], re.MULTILINE) == variables
