"""Chunks with hubs of their own: whose tokens end in the middle of a transfer, and whose chunks another process serves."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.files import sha256
from harness.people import TOKENS
from harness.process import free_ports, status_of
from huggingface_hub import HfApi

calls = pytest.mark.calls
MB = 1_000_000
# A client that starts with a token and keeps it is refused after this, in seconds: the token's life and the grace after it.
LIFE, PATIENCE = 5, 10
# Makes hf_xet ask where the chunks lie in small steps as it goes, as it does by itself with very large files.
SMALL_STEPS = {
    "HF_XET_RECONSTRUCTION_MIN_RECONSTRUCTION_FETCH_SIZE": "4mb",
    "HF_XET_RECONSTRUCTION_MAX_RECONSTRUCTION_FETCH_SIZE": "4mb",
    "HF_XET_RECONSTRUCTION_MIN_PREFETCH_BUFFER": "4mb",
    "HF_XET_RECONSTRUCTION_TARGET_BLOCK_COMPLETION_TIME": "1s",
}
# What the web process answers.
NOT_OF_CAS = [
    "",
    "login",
    "models",
    "bob/apart",
    "bob/apart/resolve/main/w.bin",
    "api/whoami-v2",
    "api/models",
    "api/models/bob/apart/xet-read-token/main",
    "bob/apart.git/info/refs?service=git-upload-pack",
]


def logged(hub, text):
    """Counts the requests in the hub's log whose line has the text."""
    return hub.log.read_text().count(text)


def at_once(*jobs):
    """Does all of them at the same time: each takes longer than a token lives."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


@calls("hf upload (Xet, tokens end midway)", "hf download (Xet, tokens end midway)", "hf buckets sync (tokens end midway)")
def test_a_transfer_outlives_its_tokens(own_hub, hf, proxy, computer, written, tmp_path):
    hub = own_hub({"HUB_XET_READ_TOKEN_SECS": str(LIFE), "HUB_XET_WRITE_TOKEN_SECS": str(LIFE)})
    at, bucket_id = {"HF_ENDPOINT": hub.url}, "bob/slow-bucket"
    HfApi(endpoint=hub.url, token=TOKENS["bob"]).create_bucket(bucket_id)
    # Two xorbs each: the second, and the shard after it, are sent when the first token is worth nothing any more.
    path, shelf = written("w.bin", random.randbytes(80 * MB)), written("shelf/w.bin", random.randbytes(80 * MB))
    written("shelf/deep/small.bin", random.randbytes(100_000))
    up, up_sync = (proxy(bytes_per_second=64 * MB / (PATIENCE + 2)) for _ in range(2))
    at_once(
        lambda: hf("upload", "bob/slow", path, "w.bin", **at, **computer("one", up)),
        lambda: hf("buckets", "sync", shelf.parent, f"hf://buckets/{bucket_id}", **at, **computer("three", up_sync)),
    )
    for line in (up, up_sync):
        assert line.requests("/xet/v1/xorbs/") >= 2
    assert up.requests("/xet-write-token/") >= 3, "the client asked again while it sent"
    assert logged(hub, "/xet-write-token/") == up.requests("/xet-write-token/")
    assert up_sync.requests(f"/buckets/{bucket_id}/xet-write-token") >= 3, "and so did the sync"

    down, down_sync = (proxy(bytes_per_second=80 * MB / (PATIENCE + 5)) for _ in range(2))
    got = tmp_path / "got"
    at_once(
        lambda: hf("download", "bob/slow", "w.bin", "--local-dir", got, **at, **computer("two", down), **SMALL_STEPS),
        lambda: hf(
            "buckets", "sync", f"hf://buckets/{bucket_id}", got / "shelf", **at, **computer("four", down_sync), **SMALL_STEPS
        ),
    )
    for line in (down, down_sync):
        assert line.requests("/reconstructions/") >= 3
    assert down.requests("/xet-read-token/") >= 3, "the client asked again while it fetched"
    assert logged(hub, "/xet-read-token/") == down.requests("/xet-read-token/")
    assert down_sync.requests(f"/buckets/{bucket_id}/xet-read-token") >= 3, "and so did the sync"
    assert sha256(got / "w.bin") == sha256(path)
    for name in ("w.bin", "deep/small.bin"):
        assert sha256(got / "shelf" / name) == sha256(shelf.parent / name), name
    assert HfApi(endpoint=hub.url, token=False).get_paths_info("bob/slow", ["w.bin"])[0].lfs.sha256 == sha256(path)
    assert logged(hub, "status=401") == 0


@calls("hf upload (Xet, hub serve --role cas)", "hf download (Xet, hub serve --role cas)")
def test_another_process_serves_the_chunks(own_hub, hf, proxy, computer, written, tmp_path):
    port = free_ports(1)[0]
    hub = own_hub({"HUB_ROLE": "web", "HUB_XET_URL": f"http://127.0.0.1:{port}"})
    cas = hub.start_beside("cas", port)
    path = written("w.bin", random.randbytes(20 * MB))
    line = proxy()
    hf("upload", "bob/apart", path, "w.bin", HF_ENDPOINT=hub.url, **computer("one", line))
    hf("download", "bob/apart", "w.bin", "--local-dir", tmp_path / "got", HF_ENDPOINT=hub.url, **computer("two", line))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)
    assert line.sent("/xet/v1/xorbs/") >= 20 * MB and line.requests("/xet/v2/reconstructions/") > 0
    assert logged(hub, " /xet/") == 0, "no chunk passed through the web process"
    # A client without Xet gets the file from the web process.
    plain = {"HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": hub.url}
    hf("download", "bob/apart", "w.bin", "--local-dir", tmp_path / "plain", **plain, **computer("three"))
    assert sha256(tmp_path / "plain/w.bin") == sha256(path)

    assert [status_of(f"{cas}/{page}") for page in ("healthz", "readyz", "metrics")] == [200, 200, 200]
    for page in NOT_OF_CAS:
        assert status_of(f"{cas}/{page}") == 404, page
        assert status_of(f"{hub.url}/{page}") != 404, page
