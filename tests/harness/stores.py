"""The two stores that a test hub runs on: a local folder, and SeaweedFS as S3."""

import os
import shutil
from pathlib import Path

from .process import Child, free_ports, status_of

BUCKET = "hub"
ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key"


class LocalStore:
    """The default: nothing configured, files in the data folder."""

    name = "local"

    def __init__(self, folder: Path):
        self.env: dict[str, str] = {}

    def stop(self) -> None:
        """Does nothing: there is no process."""


class SeaweedStore:
    """`weed mini`, a whole S3-compatible store in one process."""

    name = "s3"

    def __init__(self, folder: Path):
        data = folder / "seaweedfs"
        data.mkdir()
        names = ["s3", "master", "filer", "volume", "admin"]
        ports = dict(zip(names + [f"{name}.grpc" for name in names], free_ports(2 * len(names))))
        command = [weed_binary(), "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += ["-master.telemetry=false", "-admin.ui=false", "-webdav=false"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        # Every bucket gets volumes of its own, and every Rust test a bucket.
        command += ["-volume.max=10000", "-master.volumeSizeLimitMB=64"]
        for name in names:
            command += [f"-{name}.port={ports[name]}", f"-{name}.port.grpc={ports[name + '.grpc']}"]
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        self._child = Child(
            "weed mini",
            command,
            {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "S3_BUCKET": BUCKET},
            folder / "seaweedfs.log",
        )
        # 403 is the gateway's answer to an unsigned request once the bucket is there.
        self._child.wait_until(lambda: status_of(f"{endpoint}/{BUCKET}/") == 403, seconds=60)
        self.env = {
            "HUB_S3_ENDPOINT": endpoint,
            "HUB_S3_BUCKET": BUCKET,
            "HUB_S3_REGION": "us-east-1",
            "HUB_S3_ACCESS_KEY_ID": ACCESS_KEY,
            "HUB_S3_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def stop(self) -> None:
        """Stops the store."""
        self._child.stop()


def weed_binary() -> str:
    """Returns SeaweedFS's `weed`: `$WEED`, or the one on the path."""
    found = os.environ.get("WEED") or shutil.which("weed")
    if not found:
        raise RuntimeError("`weed` is missing: set WEED, or run the suite through its `run` script")
    return found


STORES = {store.name: store for store in (LocalStore, SeaweedStore)}
