"""A clock that a test sets while programs run, by Debian's `faketime`."""

import time
from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class FakeClock:
    """What time it is for programs that run with `env`. Clocks that nobody sets, and the times of files, stay true."""

    def __init__(self, folder: Path):
        assert LIBRARY, "faketime is missing: apt-get install faketime"
        self._file = folder / "clock"
        self.set("+0")
        self.env = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, ahead: str) -> None:
        """Sets it ahead of the true time: `+1d`, `-1d`, `+1y`. Within two seconds all programs have it."""
        other = self._file.with_suffix(".new")
        other.write_text(f"{ahead}\n")
        other.chmod(0o644)
        other.rename(self._file)
        time.sleep(1.1)
