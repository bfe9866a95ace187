"""A backup that is made while people write and garbage is collected restores a whole hub, on another kind of store."""

import hashlib
import os
import random
import threading

import pytest
from harness.asking import commit_large, lfs_upload
from harness.hub import Hub, kept_on_failure
from harness.people import TOKENS
from harness.waiting import wait_until
from harness.writers import Writers, check

MB = 1_000_000
NO_GRACE = ["--grace-unused", "0", "--grace-deleted", "0", "--grace-quarantine", "0"]


class Garbage:
    """Makes repositories with large files, deletes them, and has what they had collected at once."""

    def __init__(self, hub, api):
        self.hub, self.api = hub, api
        self.collected = 0
        self.errors = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(job,)) for job in (self.litter, self.collect)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _loop(self, job):
        count = 0
        while not self._stopping.is_set():
            count += 1
            try:
                job(count)
            except Exception as error:  # noqa: BLE001 - told by the test
                self.errors.append(str(error))

    def litter(self, count):
        name, content = f"bob/litter-{count}", random.Random(count).randbytes(MB)
        self.api.create_repo(name)
        self.api.upload_file(path_or_fileobj=content, path_in_repo="w.bin", repo_id=name)
        self.api.delete_repo(name)

    def collect(self, _):
        done = self.hub.command("admin", "gc", *NO_GRACE)
        # Not while a backup runs.
        assert done.returncode == 0 or "is being collected already" in done.stderr, done.stderr
        self.collected += done.returncode == 0


@pytest.mark.parametrize(("source", "target"), [("local", "s3"), ("s3", "local")])
def test_a_backup_while_people_write_restores_all_that_was_there(source, target, tmp_path):
    from huggingface_hub import HfApi

    hub, backups = Hub(source), str(tmp_path / "backups")
    with kept_on_failure(hub):
        api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
        for name in ("api", "git"):
            api.create_repo(f"bob/{name}")
        api.create_repo("bob/secret", private=True)
        api.upload_file(path_or_fileobj=b"# hidden", path_in_repo="README.md", repo_id="bob/secret")
        writers, garbage = Writers(hub, tmp_path, 0), Garbage(hub, api)
        wait_until(lambda: len(writers.acknowledged) >= 4 and garbage.collected >= 1)
        first = hub.admin("backup", backups)
        before = len(writers.acknowledged)
        wait_until(lambda: len(writers.acknowledged) >= before + 4)
        promised = list(writers.acknowledged)
        # In the second its name has, so that it is another one.
        second = hub.admin("backup", backups)
        garbage.stop()
        writers.stop()
    made = [int(text.split(": ")[1].split(" ")[0]) for text in (first, second)]
    new = int(second.splitlines()[1].split(" ")[0])
    assert 0 < new < made[1], "the second backup copied what was new, and no more"
    restore_and_look(target, backups, promised, tmp_path)


def restore_and_look(target, backups, promised, folder):
    from huggingface_hub import HfApi

    hub = Hub(target, seeded=False, started=False)
    with kept_on_failure(hub):
        assert "is whole" in hub.admin("verify-backup", backups)
        hub.admin("restore", backups)
        assert "all is there" in hub.admin("fsck", "--deep")
        hub.start()
        api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
        check(api, hub, promised, folder / "check", new=len(promised))
        assert api.model_info("bob/secret").private
        assert not HfApi(endpoint=hub.url, token=TOKENS["dave"]).repo_exists("bob/secret")
        # It goes on as any hub does.
        api.upload_file(path_or_fileobj=random.randbytes(MB), path_in_repo="new.bin", repo_id="bob/api")
        again = hub.command("admin", "restore", backups)
        assert again.returncode == 1 and "hub" in again.stderr, "not while it runs"


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_backup_that_cannot_be_restored_is_told(tmp_path):
    from huggingface_hub import HfApi

    # Whole files, which can be collected at once; chunks have a lease.
    hub, backups = Hub(settings={"HUB_XET_ENABLED": "false"}), tmp_path / "backups"
    with kept_on_failure(hub):
        api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
        api.create_repo("bob/one")
        content = random.randbytes(MB)
        oid = hashlib.sha256(content).hexdigest()
        assert lfs_upload(hub.url, "bob/one", oid, content)[0] == 200
        assert commit_large(hub.url, "bob/one", "w.bin", oid, MB)[0] == 200
        hub.admin("backup", str(backups))
        newest = sorted(os.listdir(backups / "backups"))[-1]
        [file] = files_in(backups / "objects/lfs")
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        damaged = hub.command("admin", "verify-backup", str(backups))
        assert damaged.returncode == 1 and f"{file.relative_to(backups / 'objects')}` is damaged" in damaged.stdout
        file.unlink()
        assert "is missing" in hub.command("admin", "verify-backup", str(backups)).stdout
        # The next backup copies what is missing.
        again = hub.admin("backup", str(backups))
        assert again.splitlines()[1].startswith("1 objects") and "is whole" in hub.admin("verify-backup", str(backups))
        dump = backups / "backups" / newest / "database.dump"
        dump.write_bytes(dump.read_bytes()[:-100])
        assert f"{newest}: " in hub.command("admin", "verify-backup", str(backups), "--name", newest).stdout
        # Only the newest stays, with what it names.
        api.delete_repo("bob/one")
        hub.admin("gc", *NO_GRACE)
        hub.admin("gc", *NO_GRACE)
        kept = hub.admin("backup", str(backups), "--keep", "1")
        assert "objects went with old backups" in kept and len(os.listdir(backups / "backups")) == 1
        assert files_in(backups / "objects/lfs") == []
        assert "is whole" in hub.admin("verify-backup", str(backups))
        hub.pause()
        full = hub.command("admin", "restore", str(backups))
        assert full.returncode == 1 and "The hub is not empty" in full.stderr
