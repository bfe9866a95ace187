"""The stores that a test hub runs on: a local folder, SeaweedFS as S3, Azurite, and a gate that speaks as Google does."""

import os
import shutil
from pathlib import Path

from .gcs_gate import GcsGate
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


class AzuriteStore:
    """Azurite, Microsoft's own emulator of Azure Blob Storage."""

    name = "azure"
    # Azurite's account, which everybody knows.
    account = "devstoreaccount1"
    access_key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, folder: Path):
        data = folder / "azurite"
        data.mkdir()
        (port,) = free_ports(1)
        endpoint = f"http://127.0.0.1:{port}/{self.account}"
        command = ["node", str(azurite_script()), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        command += ["--disableProductStyleUrl", "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(data)]
        self._child = Child("azurite", command, {}, folder / "azurite.log")
        self._child.wait_until(lambda: status_of(f"{endpoint}?comp=list") is not None, seconds=60)
        self.env = {
            "HUB_AZURE_ENDPOINT": endpoint,
            "HUB_AZURE_ACCOUNT": self.account,
            "HUB_AZURE_ACCESS_KEY": self.access_key,
            "HUB_AZURE_CONTAINER": BUCKET,
        }

    def stop(self) -> None:
        """Stops the store."""
        self._child.stop()


class GcsStore:
    """SeaweedFS behind a gate that speaks Google's XML API and checks its signatures."""

    name = "gcs"

    def __init__(self, folder: Path, behind: SeaweedStore | None = None):
        self._own = None if behind else SeaweedStore(folder)
        self._gate = GcsGate(folder, (behind or self._own).env)
        self.env = {
            "HUB_GCS_ENDPOINT": self._gate.endpoint,
            "HUB_GCS_BUCKET": "hub-gcs",
            "HUB_GCS_KEY_FILE": str(self._gate.key.file),
        }

    def stop(self) -> None:
        """Stops the gate, and the store behind it if it is its own."""
        self._gate.stop()
        if self._own:
            self._own.stop()


def azurite_script() -> Path:
    """Returns Azurite's program for blobs: below `$AZURITE`, or where `npm ci` put it beside this file."""
    modules = Path(os.environ.get("AZURITE") or Path(__file__).resolve().parent / "azurite" / "node_modules")
    script = modules / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not script.exists():
        raise RuntimeError(f"Azurite is missing ({script}): run the suite through its `run` script")
    return script


def weed_binary() -> str:
    """Returns SeaweedFS's `weed`: `$WEED`, or the one on the path."""
    found = os.environ.get("WEED") or shutil.which("weed")
    if not found:
        raise RuntimeError("`weed` is missing: set WEED, or run the suite through its `run` script")
    return found


STORES = {store.name: store for store in (LocalStore, SeaweedStore, AzuriteStore, GcsStore)}
