"""The store fails while chunks come in: the real client is told to try again, nothing is half there meanwhile, and once the
store is back the client's own retry succeeds."""

import pytest
from harness.faulty_line import FaultyLine
from harness.hub import Hub
from harness.people import TOKENS
from harness.process import within
from harness.uploads import Upload, make_places

MB = 1_000_000
XORBS, SHARDS = "/xet/v1/xorbs/", "/xet/v2/shards"
TARGETS = pytest.mark.parametrize("target", ["repository", "bucket"])


@pytest.fixture(scope="module")
def hub_and_line():
    hub = Hub("s3", seeded=False, started=False)
    line = FaultyLine(hub.store.env["HUB_S3_ENDPOINT"])
    hub.env["HUB_S3_ENDPOINT"] = line.url
    try:
        hub.seed()
        hub.start()
        make_places(hub)
        yield hub, line
    finally:
        hub.stop()
        line.close()


@pytest.fixture
def line(hub_and_line, request):
    """A hub that reaches its store through a line that can fail, and the line. In the end everything is whole."""
    hub, line = hub_and_line
    failed = request.session.testsfailed
    empty(hub)
    yield hub, line
    line.mend()
    if request.session.testsfailed > failed:
        hub.keep()
    assert "all is there" in hub.admin("fsck", "--deep")


def empty(hub):
    """Takes away what the test before has sent."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    if "w.bin" in api.list_repo_files("bob/api"):
        api.delete_file("w.bin", "bob/api")
    api.batch_bucket_files("bob/box", delete=["w.bin"])


@TARGETS
def test_a_store_that_refuses_xorbs_is_tried_again(line, tmp_path, target):
    hub, line = line
    line.refuse()
    with Upload(hub, tmp_path, target, 12 * MB) as upload:
        within(120, lambda: upload.was_answered(XORBS, 503))
        upload.assert_nothing_is_there()
        assert not upload.is_over()
        line.mend()
        upload.assert_it_arrives()


def test_a_store_that_cuts_xorbs_off_is_tried_again(line, tmp_path):
    hub, line = line
    line.cut("up", 2 * MB)
    with Upload(hub, tmp_path, "repository", 12 * MB) as upload:
        within(240, lambda: upload.was_answered(XORBS, 503))
        assert line.cuts > 0
        upload.assert_nothing_is_there()
        line.mend()
        upload.assert_it_arrives()


def test_a_store_that_is_silent_is_waited_for(line, tmp_path):
    hub, line = line
    line.hold()
    with Upload(hub, tmp_path, "repository", 12 * MB) as upload:
        within(120, lambda: line.held > 0 and upload.is_in_hand())
        upload.assert_nothing_is_seen()
        assert not upload.is_over()
        line.mend()
        upload.assert_it_arrives()


@TARGETS
def test_a_store_that_refuses_while_a_file_is_read_back_is_tried_again(line, tmp_path, target):
    """The xorbs are there, and the hub reads them to know the SHA-256 of the file."""
    hub, line = line
    line.slow_down(5 * MB)
    with Upload(hub, tmp_path, target, 20 * MB) as upload:
        within(120, lambda: upload.was_answered(XORBS, 200))
        line.refuse()
        within(120, lambda: upload.was_answered(SHARDS, 503))
        upload.assert_nothing_is_there()
        line.mend()
        upload.assert_it_arrives()


def test_a_store_that_cuts_a_file_off_while_it_is_read_back_makes_no_other_file(line, tmp_path):
    hub, line = line
    line.cut("down", 3 * MB)
    with Upload(hub, tmp_path, "repository", 20 * MB) as upload:
        within(240, lambda: line.cuts > 0)
        within(240, lambda: upload.was_answered(SHARDS, 503) or upload.was_answered(SHARDS, 200))
        if not upload.was_answered(SHARDS, 200):
            upload.assert_nothing_is_there()
        line.mend()
        upload.assert_it_arrives()
