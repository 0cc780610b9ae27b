"""Power loss: what a server leaves when nothing survives that it had not synced.

powerloss.c, loaded into the server, keeps beside its files what would be durable, and kills it before a call of
its choice. `PowerLoss.come_back` makes of that the directory that the next start would find. The server writes
with pwritev2, which the library can see; the promise is the same with io_uring, whose writes carry the same flag.
"""

import functools
import os
import pathlib
import shutil

import harness

SOURCE = pathlib.Path(__file__).with_name("powerloss.c")
FLAGS = ["--log-mechanism", "pwritev2", "--segment-kib", "64"]


@functools.cache
def library():
    """Built once a run."""
    return harness.preloadable(SOURCE)


class PowerLoss:
    """The durable state of what is in some directories, over one life of a server. They are those around the server's
    own, so that its name must be made durable, too."""

    def __init__(self, *roots):
        self.roots = [pathlib.Path(root) for root in roots]
        self.store = harness.new_directory()
        self.store.mkdir()
        for root in self.roots:
            self._keep(root)

    def _keep(self, directory):
        """What is there before the life begins is durable."""
        lines = []
        for path in directory.iterdir() if directory.exists() else []:
            inode = path.stat().st_ino
            lines.append(f"{'d' if path.is_dir() else 'f'} {inode} {path.name}")
            if path.is_dir():
                self._keep(path)
            else:
                shutil.copy(path, self.store / f"f{inode}")
        if lines:
            (self.store / f"d{directory.stat().st_ino}").write_text("\n".join(lines) + "\n")

    def environment(self, cut=0):
        """Of a server whose power fails before its call number `cut`; 0: never."""
        return {
            "LD_PRELOAD": str(library()),
            "POWER_ROOTS": ":".join(str(root) for root in self.roots),
            "POWER_STORE": str(self.store),
            "POWER_CUT": str(cut),
            "POWER_COUNT": str(self.store / "count"),
        }

    @property
    def calls(self):
        """How many calls there were that change something."""
        path = self.store / "count"
        return int(path.read_text()) if path.exists() else 0

    def come_back(self):
        """Puts in each directory's place what is durable of it."""
        for root in self.roots:
            if not root.exists():
                continue
            image = harness.new_directory()
            image.mkdir()
            self._copy(root.stat().st_ino, image)
            shutil.rmtree(root)
            image.rename(root)
        shutil.rmtree(self.store)
        self.store.mkdir()

    def _copy(self, inode, target):
        listing = self.store / f"d{inode}"
        for line in listing.read_text().splitlines() if listing.exists() else []:
            kind, number, name = line.split(" ", 2)
            if kind == "d":
                (target / name).mkdir()
                self._copy(number, target / name)
            elif (self.store / f"f{number}").exists():
                shutil.copy(self.store / f"f{number}", target / name)
            else:
                (target / name).touch()
            os.chmod(target / name, 0o700 if kind == "d" else 0o600)
