"""The hub is killed with SIGKILL while clients write (small files, large ones by Xet and in parts by Git LFS, pushes), rename and
delete, and while garbage is collected and packs are joined: what it acknowledged is there afterwards, and what it did not is
there whole or not at all."""

import random
import shutil
import time

import pytest
from harness.hub import Hub, kept_on_failure
from harness.movers import BUCKET, Movers, Shelf
from harness.parts import IN_PARTS
from harness.people import TOKENS
from harness.process import within
from harness.writers import Writers, check

# Reading everything takes longer than a round.
FSCK_EVERY = 3


@pytest.mark.parametrize("store", ["local", "s3"])
def test_nothing_acknowledged_is_lost_when_the_hub_is_killed(store, tmp_path, request):
    from huggingface_hub import HfApi

    hub = Hub(store, settings=IN_PARTS)
    with kept_on_failure(hub):
        api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
        for name in ("api", "git"):
            api.create_repo(f"bob/{name}")
        api.create_bucket(BUCKET)
        shelf = Shelf()
        promised, rounds, killed = [], request.config.getoption("rounds"), 0
        while killed < rounds:
            writers = Writers(hub, tmp_path / "writers", killed, in_parts=True)
            movers = Movers(hub, shelf, killed)
            time.sleep(random.uniform(2, 4))
            # Mostly any moment, but each third time in the middle of a large file, and each third time after one.
            if killed % 3 == 0:
                within(240, writers.is_midway)
            elif killed % 3 == 1:
                within(240, writers.has_sent_parts)
            hub.kill()
            killed += 1
            writers.stopping.set()
            movers.halt()
            # Clients that send chunks try again for minutes: they find the hub back, and what they hear then counts, too.
            hub.start()
            movers.stop()
            writers.stop()
            movers.check(api)
            if killed % FSCK_EVERY == 1:
                assert "all is there" in hub.admin("fsck")
            promised += writers.acknowledged
            # What was promised in earlier rounds is read again in the end.
            check(api, hub, promised, tmp_path / "check", new=len(writers.acknowledged))
            for folder in ("writers", "check"):
                shutil.rmtree(tmp_path / folder)
        assert promised, "the writers never got anything through"
        check(api, hub, promised, tmp_path / "check", new=len(promised))
        shelf.check(api)
        assert "all is there" in hub.admin("fsck", "--deep")
        assert shelf.batches, "no batch ever got through"
        print(f"{killed} kills on the store {store}: {len(promised)} acknowledged files and {shelf.batches} batches, all of them there")
