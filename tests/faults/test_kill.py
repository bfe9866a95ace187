"""The hub is killed with SIGKILL while clients write; what it acknowledged is there afterwards."""

import random
import shutil
import time

import pytest
from harness.hub import Hub
from harness.people import TOKENS
from harness.writers import Writers, check


@pytest.mark.parametrize("store", ["local", "s3"])
def test_nothing_acknowledged_is_lost_when_the_hub_is_killed(store, tmp_path, request):
    from huggingface_hub import HfApi

    hub = Hub(store)
    try:
        api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
        for name in ("api", "git"):
            api.create_repo(f"bob/{name}")
        promised, rounds, killed = [], request.config.getoption("rounds"), 0
        while killed < rounds:
            writers = Writers(hub, tmp_path / "writers", killed)
            time.sleep(random.uniform(2, 4))
            hub.kill()
            killed += 1
            writers.stopping.set()
            # Clients that send chunks try again for minutes: they find the hub back, and what they hear then counts, too.
            hub.start()
            writers.stop()
            promised += writers.acknowledged
            # What was promised in earlier rounds is read again in the end.
            check(api, hub, promised, tmp_path / "check", new=len(writers.acknowledged))
            for folder in ("writers", "check"):
                shutil.rmtree(tmp_path / folder)
        assert promised, "the writers never got anything through"
        check(api, hub, promised, tmp_path / "check", new=len(promised))
        hub.admin("fsck", "--deep")
        print(f"{killed} kills on the store {store}: {len(promised)} acknowledged files, all of them there")
    except BaseException:
        hub.keep()
        raise
    finally:
        hub.stop()
