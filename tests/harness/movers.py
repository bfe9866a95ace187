"""People who change a bucket by batches, make, rename and delete repositories, collect garbage and join packs without end;
and a look at whether each change they began was done whole or not at all, and each they were told of was done."""

import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass
from hashlib import sha256

from .hub import hub_binary
from .people import TOKENS

BUCKET = "bob/box"
# Nothing is spared for being young.
NO_GRACE = ["--grace-unused", "0", "--grace-deleted", "0", "--grace-quarantine", "0"]


class Shelf:
    """What is in the bucket, and what may be: the state that was acknowledged last, and the one asked for since."""

    def __init__(self):
        self.now: dict[str, bytes] = {}
        self.asked: dict[str, bytes] | None = None
        self.batches = 0

    def check(self, api):
        """The bucket has one of the two states, to the last byte; that one is taken for the truth."""
        entries = {entry.path: entry for entry in api.list_bucket_tree(BUCKET, recursive=True)}
        states = [state for state in (self.now, self.asked) if state is not None]
        paths = set(entries)
        [state] = [state for state in states if set(state) == paths] or [None]
        assert state is not None, f"{sorted(paths)} is neither of {[sorted(state) for state in states]}"
        info = api.bucket_info(BUCKET)
        assert (info.total_files, info.size) == (len(entries), sum(entry.size for entry in entries.values()))
        for path, digest in state.items():
            with api_file(api, path) as file:
                assert sha256(file.read()).digest() == digest, f"{path} has other content"
        self.now, self.asked = state, None


def api_file(api, path):
    """Opens a file of the bucket."""
    from huggingface_hub import HfFileSystem

    fs = HfFileSystem(endpoint=api.endpoint, token=api.token, skip_instance_cache=True)
    return fs.open(f"buckets/{BUCKET}/{path}")


@dataclass
class Fate:
    """What may have become of a repository: where it may be, whether it must have its file, and whether it may be gone."""

    names: set[str]
    has_file: bool = False
    gone: str = "maybe"

    def check(self, api):
        """Looks for it under all of its names; a former one leads to the one it has now."""
        infos = {info.id for name in self.names if (info := info_of(api, name))}
        assert len(infos) <= 1, f"one repository under two names: {infos}"
        assert self.gone != "yes" or not infos, f"{infos} came back"
        assert self.gone != "no" or infos, f"{self.names} is gone"
        for repo_id in infos:
            files = set(api.list_repo_files(repo_id))
            # Whole: with its first commit.
            assert ".gitattributes" in files <= {".gitattributes", "name.txt"}, files
            assert "name.txt" in files or not self.has_file, f"the file of {repo_id} is gone"


class Movers:
    """Threads that do this until the hub is gone."""

    def __init__(self, hub, shelf, round_number):
        self.hub, self.shelf, self.round = hub, shelf, round_number
        self.fates: list[Fate] = []
        self.stopping = threading.Event()
        self._helper: subprocess.Popen | None = None
        jobs = [self.fill_bucket, self.move_repo, self.keep_house]
        self.threads = [threading.Thread(target=self._loop, args=(job,)) for job in jobs]
        for thread in self.threads:
            thread.start()

    def halt(self):
        """Nobody begins anything new, and what tidies up beside the hub is killed as the hub was."""
        self.stopping.set()
        if helper := self._helper:
            helper.kill()
        self.threads[-1].join()

    def stop(self):
        """Waits for everybody."""
        self.halt()
        for thread in self.threads:
            thread.join()

    def _loop(self, job):
        count = 0
        while not self.stopping.is_set():
            count += 1
            try:
                job(f"r{self.round}-{count}")
            except Exception as error:  # noqa: BLE001 - whatever a killed server looks like to a client
                if job == self.fill_bucket and not was_refused(error):
                    # What became of the batch is not known, until the hub is back and one can look.
                    return
                self.shelf.asked = None if job == self.fill_bucket else self.shelf.asked
                time.sleep(0.05)

    def _api(self):
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.hub.url, token=TOKENS["bob"])

    def fill_bucket(self, name):
        """Puts two files in place of the two oldest, in one batch."""
        shelf = self.shelf
        added = {f"{name}-{part}.bin": random.randbytes(300_000) for part in "ab"}
        old = list(shelf.now)[:2] if len(shelf.now) > 4 else []
        after = {path: digest for path, digest in shelf.now.items() if path not in old}
        after |= {path: sha256(content).digest() for path, content in added.items()}
        shelf.asked = after
        self._api().batch_bucket_files(BUCKET, add=[(content, path) for path, content in added.items()], delete=old)
        shelf.now, shelf.asked = after, None
        shelf.batches += 1

    def move_repo(self, name):
        """Makes a repository with a file, renames it and mostly deletes it; what is known of it is noted step by step."""
        api, old, new = self._api(), f"bob/old-{name}", f"bob/new-{name}"
        self.fates.append(fate := Fate({old}))
        api.create_repo(old)
        fate.gone = "no"
        api.upload_file(path_or_fileobj=name.encode(), path_in_repo="name.txt", repo_id=old)
        fate.has_file = True
        fate.names = {old, new}
        api.move_repo(old, new)
        fate.names = {new}
        if random.random() < 0.7:
            fate.gone = "maybe"
            api.delete_repo(new)
            fate.gone = "yes"

    def keep_house(self, _):
        """Collects garbage without any grace, and joins packs."""
        for command in (["gc", *NO_GRACE], ["repack"]):
            env = {**os.environ, **self.hub.env}
            self._helper = subprocess.Popen(
                [hub_binary(), "admin", *command], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if self.stopping.is_set():
                self._helper.kill()
            self._helper.wait()
        self.stopping.wait(1)

    def check(self, api):
        """Looks at every repository and at the bucket."""
        for fate in self.fates:
            fate.check(api)
        self.shelf.check(api)


def was_refused(error):
    """Returns whether the hub said no: garbage collection without grace may take a file before its batch comes."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is not None and 400 <= status < 500


def info_of(api, repo_id):
    """Returns what is under a name now; a former name leads there, too."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.model_info(repo_id)
    except RepositoryNotFoundError:
        return None
