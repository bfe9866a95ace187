"""The way around Xet: with each of the three switches thrown, the real client downloads without it, and gets the same bytes."""

import random

import pytest
from harness.files import sha256
from harness.people import PASSWORD
from harness.visitor import Visitor
from huggingface_hub import HfApi

calls = pytest.mark.calls
MB = 1_000_000
XORBS, LFS, CHUNKS = "/xet/v1/xorbs/", "/info/lfs/", "/reconstructions/"
# A client without Xet is what these tests are about.
PLAIN = {"HF_HUB_DISABLE_XET": "1"}


def by_nobody(hub):
    """The hub's own switch was thrown when it was started."""


def by_owner(hub):
    """Bob keeps everybody's clients to plain HTTP, for one repository."""
    visitor = Visitor(hub.url)
    visitor.submit("/login", "/login", username="bob", password=PASSWORD)
    visitor.submit("/bob/plain/settings", "/bob/plain/settings/transfer", transfer="http")


def by_user(hub):
    """Bob keeps his own clients to plain HTTP, whatever they download."""
    visitor = Visitor(hub.url)
    visitor.submit("/login", "/login", username="bob", password=PASSWORD)
    visitor.submit("/settings/storage", "/settings/storage", transfer="http")


# Which switch, the settings it needs, and whether it holds for carol and for another repository.
SWITCHES = [
    pytest.param(by_nobody, {"HUB_XET_ENABLED": "false"}, True, True, id="hub"),
    pytest.param(by_owner, {}, True, False, id="repository"),
    pytest.param(by_user, {}, False, True, id="user"),
]


@calls("hf download (HF_HUB_DISABLE_XET)", "hf upload (HF_HUB_DISABLE_XET)")
@pytest.mark.parametrize(("throw", "settings", "for_others", "for_other_repos"), SWITCHES)
def test_a_switch_keeps_the_real_client_to_plain_http(
    own_hub, hf, proxy, computer, written, tmp_path, throw, settings, for_others, for_other_repos
):
    hub = own_hub(settings)
    at = {"HF_ENDPOINT": hub.url}
    small, path = written("small.txt", b"small"), written("w.bin", random.randbytes(3 * MB))
    for name in ("plain", "other"):
        hf("upload", f"bob/{name}", path, "w.bin", **at, **computer("one"))
    throw(hub)

    def download(repo_id, name, token="bob", **more):
        """Returns whether the file came in chunks; its bytes are right."""
        line, got = proxy(), tmp_path / f"got-{name}"
        hf("download", repo_id, "--local-dir", got, token=token, **at, **computer(name, line), **more)
        assert sha256(got / "w.bin") == sha256(path)
        return line.requests(CHUNKS) > 0

    assert not download("bob/plain", "bobs"), "the whole repository, as listings tell it"
    assert download("bob/plain", "carols", token="carol") != for_others
    assert download("bob/other", "others") != for_other_repos
    assert not download("bob/plain", "disabled", **PLAIN)
    info = HfApi(endpoint=hub.url, token=False).get_paths_info("bob/plain", ["w.bin"])[0]
    assert info.lfs.sha256 == sha256(path)
    assert (getattr(info, "xet_hash", None) is None) == for_others

    # Which way files go up is the client's choice; both arrive.
    line, more = proxy(), written("more.bin", random.randbytes(2 * MB))
    hf("upload", "bob/plain", more, "more.bin", **at, **computer("two", line))
    assert (line.sent(XORBS) >= 2 * MB, line.requests(LFS)) == (True, 0)
    line, last = proxy(), written("last.bin", random.randbytes(2 * MB))
    hf("upload", "bob/plain", last, "last.bin", **at, **computer("three", line), **PLAIN)
    assert (line.requests("/xet"), line.requests(LFS) > 0) == (0, True)
    hf("upload", "bob/plain", small, "small.txt", **at, **computer("three", line), **PLAIN)
    got = tmp_path / "all"
    hf("download", "bob/plain", "--local-dir", got, **at, **computer("four"))
    for sent in (small, path, more, last):
        assert sha256(got / sent.name) == sha256(sent), sent.name
