"""A machine that fails under the server: file systems that fill up, go away or forget, and a directory that moves.

Each form gives codes while it goes wrong, keeps a ledger of what was acknowledged, starts the server again on what is
left, and compares. The suite has the short forms (test_machine.py), ./tools/torture the long ones.
"""

import contextlib
import fcntl
import os
import pathlib
import resource
import shlex
import shutil
import signal
import struct
import subprocess

import harness

# From linux/fs.h, as xfstests use it: the file system stops at once. With the flag its log is not written out first.
EXT4_IOC_SHUTDOWN = 0x8004587D
SHUTDOWN_WITHOUT_LOG = 2
FILLER = "filler"


class Unavailable(Exception):
    """This machine cannot make the fault; the words say why."""


# MARK: - File systems


class Disk:
    """An ext4 image, mounted in a mount namespace of the server's own: it goes with the server."""

    def __init__(self, mebibytes):
        need_root()
        for program in ["mkfs.ext4", "unshare", "mount"]:
            if shutil.which(program) is None:
                raise Unavailable(f"{program} is missing")
        if not pathlib.Path("/dev/loop-control").exists():
            raise Unavailable("there are no loop devices")
        self.place = harness.new_directory()
        self.place.mkdir()
        self.image = self.place.parent / "disk"
        with open(self.image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(self.image)], check=True)
        self.directory = self.place / "data"

    def fill(self, server, free_bytes):
        """Leaves no more than that for the server."""
        filler = self.path_in(server).parent / FILLER
        space = os.statvfs(filler.parent)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - free_bytes)

    def make_room(self):
        """Undoes that, while no server has it."""
        self._run(f"rm {shlex.quote(str(self.place / FILLER))}")

    def _mounted(self, words):
        mount = f"mount -o loop,errors=remount-ro {shlex.quote(str(self.image))} {shlex.quote(str(self.place))}"
        return ["unshare", "--mount", "sh", "-c", f"{mount} && {words}", "sh"]

    def _run(self, words):
        subprocess.run(self._mounted(words), check=True)

    def start(self, *flags, **settings):
        return harness.Server(self.directory, *flags, under=self._mounted('exec "$@"'), **settings)

    def path_in(self, server):
        """The mounted directory, as one outside of the namespace reaches it."""
        return pathlib.Path(f"/proc/{server.pid}/root{self.directory}")

    def stop_at_once(self, server):
        """The file system stops as on a power failure: what it has not synced is gone."""
        descriptor = os.open(self.path_in(server), os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", SHUTDOWN_WITHOUT_LOG))
        except OSError as error:
            raise Unavailable(f"the file system cannot be stopped: {error}") from error
        finally:
            os.close(descriptor)


    def make_read_only(self, server):
        """As the system does when it meets an error of its own: whatever is open, no write succeeds any more."""
        mounts = pathlib.Path(f"/proc/{server.pid}/mountinfo").read_text().splitlines()
        device = next(line.split(" - ")[1].split()[1] for line in mounts if f" {self.place} " in line)
        try:
            pathlib.Path(f"/sys/fs/ext4/{pathlib.Path(device).name}/trigger_fs_error").write_text("1")
        except OSError as error:
            raise Unavailable(f"the file system cannot be made to fail: {error}") from error


def need_root():
    if os.geteuid() != 0:
        raise Unavailable("it needs root")


# MARK: - The ledger


class Given:
    """What a server acknowledged over its lives: every user's code, and that no code has two users."""

    def __init__(self, campaign="summer"):
        self.campaign = campaign
        self.codes = {}
        self.asked = 0
        self.unanswered = []

    def give(self, connection, count, depth=8):
        """Allocates for new users; False when the server has answered with an error or not at all."""
        users = [f"user-{number}" for number in range(self.asked, self.asked + count)]
        self.asked += count
        for start in range(0, count, depth):
            part = users[start : start + depth]
            try:
                replies = harness.allocate_all(connection, self.campaign, part)
            except (harness.Closed, ConnectionError):
                self.unanswered += users[start:]
                return False
            for user, reply in zip(part, replies):
                if isinstance(reply, harness.ErrorReply):
                    self.unanswered.append(user)
                else:
                    self.codes[user] = reply
            if any(isinstance(reply, harness.ErrorReply) for reply in replies):
                self.unanswered += users[start + depth :]
                return False
        return True

    def give_until_it_ends(self, server, maximum=400_000):
        """Until the server stops; returns its exit code."""
        try:
            with server.connect() as connection:
                while self.asked < maximum and self.give(connection, 1_000):
                    pass
        except (harness.Closed, ConnectionError):
            pass
        assert self.asked < maximum, "it never ended"
        return server.wait_exit()

    def check(self, server):
        """All that was acknowledged is there, who was told nothing gets a code of its own, and the list adds up."""
        with server.connect() as connection:
            users = list(self.codes)
            assert harness.allocate_all(connection, self.campaign, users) == list(self.codes.values())
            users, self.unanswered = self.unanswered, []
            for user, code in zip(users, harness.allocate_all(connection, self.campaign, users)):
                assert isinstance(code, bytes), code
                self.codes[user] = code
        assert len(set(self.codes.values())) == len(self.codes), "a code has two users"
        assert harness.ledger(server)["given"] == len(self.codes)


# MARK: - The faults


def full_disk(rounds=1):
    """A disk that fills up: the server ends with 74, and goes on when there is room."""
    disk = Disk(64)
    given = Given()
    flags = ["--threads", 2, "--segment-kib", 64, "--snapshot-log-mib", 0, "--minimum-free-mib", 0]
    for number in range(rounds):
        server = disk.start(*flags)
        if number == 0:
            harness.make_campaign(server, count=100_000)
        else:
            given.check(server)
        disk.fill(server, free_bytes=256 << 10)
        code = given.give_until_it_ends(server)
        assert code == 74 and "No space left on device" in server.log, server.log
        disk.make_room()
    server = disk.start(*flags)
    given.check(server)
    server.stop()
    return f"{rounds} times full, {len(given.codes)} codes given"


def nearly_full_disk():
    """A disk on which others leave no room to spare: new codes are refused, all else goes on, and codes are given again
    when there is room."""
    disk = Disk(64)
    server = disk.start("--threads", 2, "--segment-kib", 64, "--minimum-free-mib", 8)
    harness.make_campaign(server, count=100_000)
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "more", "UNIQUE")
        connection.call("HOLD", "summer", "held", "FOR", "1h")
        given = connection.call("ALLOC", "summer", "before")
        disk.fill(server, free_bytes=4 << 20)
        server.wait_log("disk.full")
        assert server.info()["disk_full"] == 1
        assert connection.error_of("ALLOC", "summer", "u1") == "NOSPACE"
        assert connection.error_of("HOLD", "summer", "u1", "FOR", "1h") == "NOSPACE"
        upload = connection.call("LIST", "LOAD", "more", "BEGIN")
        connection.call("LIST", "LOAD", "more", "CHUNK", upload, harness.codes(100))
        assert connection.error_of("LIST", "LOAD", "more", "COMMIT", upload) == "NOSPACE"
        assert connection.call("ALLOC", "summer", "before") == given
        connection.call("CONFIRM", "summer", "held")
        connection.call("SNAPSHOT")
        disk.make_room()
        server.wait_log("disk.has-room")
        connection.call("ALLOC", "summer", "u1")
    assert harness.ledger(server)["given"] == 3
    server.stop()
    return "refused NOSPACE, and given again"


def upload_on_a_full_disk():
    """An upload that does not fit is told NOSPACE and leaves nothing; codes go on being given."""
    disk = Disk(64)
    server = disk.start("--threads", 1, "--segment-kib", 64, "--minimum-free-mib", 0)
    harness.make_campaign(server, count=1_000)
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "large", "UNIQUE")
        disk.fill(server, free_bytes=1 << 20)
        upload = connection.call("LIST", "LOAD", "large", "BEGIN")
        for number in range(4):
            connection.call("LIST", "LOAD", "large", "CHUNK", upload, harness.codes(4_000, f"{number}{'L' * 240}"))
        assert connection.error_of("LIST", "LOAD", "large", "COMMIT", upload) == "NOSPACE"
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001"
        assert connection.call_map("LIST", "INFO", "large")[b"uploaded"] == 0
    server.stop()
    return "told NOSPACE, nothing kept"


def lost_power(rounds=1):
    """The file system stops without its log, under load: what it had not synced is gone, and what was acknowledged
    there.

    A drive's own cache is not part of it: that takes dm-flakey or LazyFS."""
    disk = Disk(96)
    given = Given()
    server = disk.start("--threads", 2, "--segment-kib", 64)
    harness.make_campaign(server, count=100_000)
    for number in range(rounds):
        with server.connect() as connection:
            assert given.give(connection, 2_000 + 37 * number)
            if number % 2 == 0:
                connection.send("SNAPSHOT")
            disk.stop_at_once(server)
            given.give(connection, 500)
        code = server.wait_exit()
        assert code == 74, server.log
        server = disk.start("--threads", 2, "--segment-kib", 64)
        given.check(server)
    server.stop()
    return f"{rounds} times, {len(given.codes)} codes given"


def read_only():
    """The file system becomes read-only under load: the server ends with 74, and when it can be written again all is
    there."""
    disk = Disk(96)
    given = Given()
    server = disk.start("--threads", 2, "--segment-kib", 64)
    harness.make_campaign(server, count=400_000)
    with server.connect() as connection:
        assert given.give(connection, 2_000)
    disk.make_read_only(server)
    code = given.give_until_it_ends(server)
    assert code == 74, server.log
    server = disk.start("--threads", 2, "--segment-kib", 64)
    given.check(server)
    server.stop()
    return f"{len(given.codes)} codes given"


def moved_directory(replace):
    """The directory is moved away under the server, by itself or with another in its place: the server ends with 74,
    and what it acknowledged is where the directory went."""
    directory = harness.new_directory()
    given = Given()
    server = harness.Server(directory, "--threads", 2, "--segment-kib", 64)
    harness.make_campaign(server, count=400_000)
    with server.connect() as connection:
        assert given.give(connection, 1_000)
    aside = directory.parent / "aside"
    if replace:
        # Another one that looks like it: a copy.
        server.stop()
        shutil.copytree(directory, directory.parent / "copy")
        server = harness.Server(directory, "--threads", 2, "--segment-kib", 64)
    directory.rename(aside)
    before = None
    if replace:
        (directory.parent / "copy").rename(directory)
        before = harness.content_of(directory)
    code = given.give_until_it_ends(server)
    assert code == 74, server.log
    if replace:
        assert harness.content_of(directory) == before, "it wrote into a directory that is not its own"
        shutil.rmtree(directory)
    aside.rename(directory)
    with harness.Server(directory) as server:
        given.check(server)
        server.stop()
    return f"{len(given.codes)} codes given"


def little_memory(mebibytes=48):
    """The address space ends soon: the process dies by its own hand, as it does nowhere else."""

    def limit(server):
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
        used = int(status.split("VmSize:")[1].split()[0]) << 10
        resource.prlimit(server.pid, resource.RLIMIT_AS, (used + (mebibytes << 20),) * 2)

    return _without_memory([], limit, lambda code: code not in (0, -signal.SIGKILL))


def killed_for_memory(mebibytes=64):
    """A control group's memory ends: the kernel kills the process."""
    with _control_group(mebibytes) as under:
        return _without_memory(under, lambda _: None, lambda code: code == -signal.SIGKILL)


def log_in_a_control_group(mebibytes):
    """What a server says that starts in a control group of so much memory."""
    with _control_group(mebibytes) as under, harness.Server(harness.new_directory(), under=under) as server:
        server.stop()
        return server.log


@contextlib.contextmanager
def _control_group(mebibytes):
    """What runs a program in a group of its own, whose memory is limited."""
    need_root()
    top = next(
        (
            path
            for path in [pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")]
            if (path / "cgroup.procs").exists()
        ),
        None,
    )
    if top is None:
        raise Unavailable("there is no control group for memory")
    group = top / f"tearoff-{os.getpid()}-{mebibytes}"
    try:
        group.mkdir()
    except OSError as error:
        raise Unavailable(f"no control group can be made: {error}") from error
    try:
        files = [group / "memory.max", group / "memory.limit_in_bytes"]
        limit = next((file for file in files if file.exists()), None)
        if limit is None:
            raise Unavailable("control groups do not limit memory here")
        limit.write_text(str(mebibytes << 20))
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def _without_memory(under, limit, is_expected):
    """Uploads until the process has no memory left; what was acknowledged before is there."""
    directory = harness.new_directory()
    given = Given()
    # Whoever has no memory cannot say at length what it died of.
    server = harness.Server(directory, "--threads", 1, under=under, environment={"SWIFT_BACKTRACE": "enable=no"})
    harness.make_campaign(server, count=1_000)
    limit(server)
    with server.connect() as connection:
        assert given.give(connection, 500)
        upload = connection.call("LIST", "LOAD", "june", "BEGIN")
        try:
            for number in range(2_000):
                numbers = range(number * 90_000, (number + 1) * 90_000)
                connection.call("LIST", "LOAD", "june", "CHUNK", upload, "\n".join(map(str, numbers)) + "\n")
        except (harness.Closed, ConnectionError):
            pass
    code = server.wait_exit()
    assert is_expected(code), f"ended with {code}"
    with harness.Server(directory) as again:
        given.check(again)
        again.stop()
    return f"ended with {code}, {len(given.codes)} codes given"
