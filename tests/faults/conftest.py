"""Lets the fault tests find the harness."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.clients import client_env  # noqa: E402 - found by the path above



def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=3, help="how often the hub is killed on each kind of store")


# Before anything imports huggingface_hub, which reads its environment only once.
os.environ.update(client_env("http://127.0.0.1:9", Path(tempfile.mkdtemp(prefix="hub-faults-"))))
