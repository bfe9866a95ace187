"""The hub is killed with SIGKILL while clients write; what it acknowledged is there afterwards."""

import os
import random
import time

import pytest
from harness.hub import Hub
from harness.people import TOKENS
from harness.writers import Writers, check

ROUNDS = int(os.environ.get("HUB_FAULT_ROUNDS", "3"))


@pytest.mark.parametrize("store", ["local", "s3"])
def test_nothing_acknowledged_is_lost_when_the_hub_is_killed(store, tmp_path):
    from huggingface_hub import HfApi

    hub = Hub(store)
    try:
        api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
        for name in ("api", "git"):
            api.create_repo(f"bob/{name}")
        promised = []
        for number in range(ROUNDS):
            writers = Writers(hub, tmp_path, number)
            time.sleep(random.uniform(2, 4))
            hub.kill()
            writers.stopping.set()
            # Clients that send chunks try again for minutes: they find the hub back, and what they hear then counts, too.
            hub.start()
            writers.stop()
            promised += writers.acknowledged
            check(api, hub, promised, tmp_path / f"check-{number}")
        assert promised, "the writers never got anything through"
        hub.admin("fsck", "--deep")
    except BaseException:
        hub.keep()
        raise
    finally:
        hub.stop()
