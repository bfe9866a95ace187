"""A disk that is soon full."""

import os
import subprocess
from pathlib import Path

BLOCK = 64 * 1024


class SmallDisk:
    """A file system of so many bytes in memory, mounted at a folder. Only root may do that."""

    def __init__(self, folder: Path, size: int):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "hub-test", folder], check=True)
        self._ballast = folder / "ballast"

    @staticmethod
    def may_be_made() -> bool:
        """Returns whether this user may."""
        return os.geteuid() == 0

    def fill(self) -> None:
        """Leaves no room at all."""
        with self._ballast.open("ab", buffering=0) as ballast:
            block = bytes(BLOCK)
            while block:
                try:
                    ballast.write(block)
                except OSError:
                    # The last room is smaller than a block.
                    block = block[: len(block) // 2]

    def free(self) -> None:
        """Makes room again."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Takes it away, with all that is on it."""
        subprocess.run(["umount", "--lazy", self.folder], check=True)
