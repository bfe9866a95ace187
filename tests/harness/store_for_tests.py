"""Runs the stores for the Rust tests: prints their settings as shell assignments, stops when its input ends.

`python3 store_for_tests.py FOLDER`, with WEED naming the binary or `weed` on the path, and Azurite beside `stores.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.stores import AzuriteStore, GcsStore, SeaweedStore  # noqa: E402 - found by the path above

folder = Path(sys.argv[1])
stores = [SeaweedStore(folder)]
try:
    stores += [AzuriteStore(folder), GcsStore(folder, stores[0])]
    settings = {name.replace("HUB_", "HUB_TEST_"): value for store in stores for name, value in store.env.items()}
    # Without it, tests of a store that is not there pass by doing nothing.
    settings["HUB_TEST_STORES"] = "all"
    print(*(f"{name}={value}" for name, value in settings.items()), flush=True)
    sys.stdin.read()
finally:
    for store in reversed(stores):
        store.stop()
