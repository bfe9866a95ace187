"""Waiting for what other processes do."""

import time


def wait_until(is_so, seconds: float = 120) -> None:
    """Waits until `is_so()` is true."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)
