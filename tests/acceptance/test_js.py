"""`@huggingface/hub` from npm, driven by node; the cases are in js/client.mjs."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from harness.people import TOKENS

SCRIPT = Path(__file__).with_name("js") / "client.mjs"
VERSION = json.loads((SCRIPT.parent / "package.json").read_text())["dependencies"]["@huggingface/hub"]
CASES = {
    "whoAmI": ["whoAmI"],
    "createAndDeleteRepo": ["createRepo", "deleteRepo", "repoExists", "checkRepoAccess"],
    "uploadFiles": ["uploadFiles", "downloadFile"],
    "uploadMultipart": ["uploadFile (multipart)"],
    "uploadFilesWithProgress": ["uploadFilesWithProgress"],
    "commit": ["commit", "commit (parentCommit)"],
    "editFile": ["commit (edit)"],
    "deleteFiles": ["deleteFile", "deleteFiles"],
    "listFiles": ["listFiles"],
    "pathsInfo": ["pathsInfo"],
    "fileDownloadInfo": ["fileDownloadInfo", "downloadFile (raw)"],
    "downloadSlices": ["downloadFile (slice)"],
    "downloadToCache": ["downloadFileToCacheDir", "snapshotDownload"],
    "branches": ["createBranch", "deleteBranch"],
    "listCommits": ["listCommits", "countCommits"],
    "listModels": ["listModels", "modelInfo"],
    "listDatasetsAndSpaces": ["listDatasets", "listSpaces", "datasetInfo", "spaceInfo"],
    "narrowedLists": ["listModels (search)", "listDatasets (search)", "listSpaces (search)"],
    "sorts": ["listModels (sort)", "listDatasets (sort)", "listSpaces (sort)"],
    "collections": ["createCollection", "listCollections", "deleteCollection"],
    "safetensors": ["parseSafetensorsMetadata"],
    "errors": ["HubApiError"],
}
pytestmark = [pytest.mark.client(f"@huggingface/hub {VERSION}"), pytest.mark.any_version]


@pytest.mark.parametrize("case", [pytest.param(case, marks=pytest.mark.calls(*calls)) for case, calls in CASES.items()])
def test_javascript(url, case):
    env = {**os.environ, "HUB_URL": url, "HUB_TOKEN": TOKENS["bob"], "HUB_READ_TOKEN": TOKENS["bob-read"]}
    done = subprocess.run(["node", SCRIPT, case], env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_case_of_the_script_is_run():
    done = subprocess.run(["node", SCRIPT, "--list"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == list(CASES)
