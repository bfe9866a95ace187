"""Runs SeaweedFS for the Rust tests: prints its settings as shell assignments, stops when its input ends.

`python3 store_for_tests.py FOLDER`, with WEED naming the binary or `weed` on the path.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.stores import SeaweedStore  # noqa: E402

store = SeaweedStore(Path(sys.argv[1]))
try:
    print(*(f"{name.replace('HUB_', 'HUB_TEST_')}={value}" for name, value in store.env.items()), flush=True)
    sys.stdin.read()
finally:
    store.stop()
