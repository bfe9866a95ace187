"""`hub doctor` finds what is broken and says how it is mended."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from harness.hub import Hub, hub_binary
from harness.nginx import GOOD, Nginx
from harness.process import free_ports

# What the defaults of nginx are, and what a careless line does.
BAD = """\
proxy_pass http://{hub}/;
proxy_set_header Host $http_host;
proxy_set_header Range "";
client_max_body_size 1m;
"""


@pytest.fixture(scope="module", params=["local", "s3"])
def hub(request):
    hub = Hub(request.param)
    yield hub
    hub.stop()


@pytest.fixture
def nginx(tmp_path):
    """Puts an nginx before a hub."""
    started = []

    def start(hub, location=GOOD):
        started.append(Nginx(tmp_path / f"nginx-{len(started)}", hub.url, location))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def findings(hub, **settings):
    """Runs the doctor, and returns its exit code and its findings by check: pairs of verdict and message."""
    done = hub.command("doctor", "--json", **settings)
    found = {}
    for finding in json.loads(done.stdout)["findings"]:
        assert (finding["verdict"] == "pass") == ("mend" not in finding), finding
        found.setdefault(finding["check"], []).append((finding["verdict"], finding["message"]))
    return done.returncode, found


def verdicts(found):
    return {check: max((verdict for verdict, _ in seen), key=["pass", "warn", "fail"].index) for check, seen in found.items()}


def test_a_hub_behind_a_proxy_as_documented_is_well(hub, nginx):
    code, found = findings(hub, HUB_PUBLIC_URL=nginx(hub).url, HUB_TRUSTED_PROXIES="127.0.0.1")
    seen = verdicts(found)
    # No mail server is set.
    assert seen.pop("mail") == "warn"
    assert code == 0 and set(seen.values()) == {"pass"}, found
    machine = {"settings", "git", "git-lfs", "gnupg", "disk", "scanner"}
    assert machine | {"store", "database", "clock", "search index", "public address"} == set(seen)
    assert "can open no file and no connection" in found["scanner"][0][1]
    assert any("signed addresses" in message for _, message in found["store"]) == (hub.store.name == "s3")
    assert any("a body of 32 MiB passes" in message for _, message in found["public address"])


def test_a_file_of_breached_passwords_is_looked_at(hub, tmp_path):
    file = tmp_path / "breached.txt"
    one, other = "24A1E83CD60E5F2899561F47B541B5A98FA83820:17", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:52256179"
    for lines, verdict in ([one, other], "pass"), ([other, one] * 50, "fail"), ([], "fail"):
        file.write_text("\r\n".join(lines))
        _, found = findings(hub, HUB_PASSWORDS_BREACHED_FILE=str(file))
        assert verdicts(found)["passwords"] == verdict, (lines, found)


def test_what_a_proxy_does_wrong_is_found(hub, nginx):
    code, found = findings(hub, HUB_PUBLIC_URL=nginx(hub, BAD).url)
    told = dict((message, verdict) for verdict, message in found["public address"])
    assert code == 1, found
    for verdict, words in [
        ("fail", "these headers of requests are lost on the way: range"),
        ("fail", "arrives as `a/b`"),
        ("fail", "a body of 32 MiB does not pass: the answer is 413"),
        ("warn", "keeps uploads until they are whole"),
    ]:
        assert verdict in [told[message] for message in told if words in message], f"{words}: {told}"
    lines = hub.command("doctor", HUB_PUBLIC_URL=nginx(hub, BAD).url).stdout.splitlines()
    assert "      Let bodies of any size pass. nginx: `client_max_body_size 0;` Large files cannot be uploaded otherwise." in lines


def test_a_public_address_that_leads_elsewhere_is_found(hub):
    port = free_ports(1)[0]
    code, found = findings(hub, HUB_PUBLIC_URL=f"http://127.0.0.1:{port}")
    assert code == 1 and "cannot be reached" in found["public address"][0][1]
    other = Hub()
    try:
        code, found = findings(hub, HUB_PUBLIC_URL=other.url)
    finally:
        other.stop()
    assert code == 1 and "answers 404" in found["public address"][0][1]


def test_broken_parts_hide_no_other(hub, tmp_path):
    (tmp_path / "store").write_text("no folder")
    port = free_ports(1)[0]
    broken = {"HUB_DATA_DIR": str(tmp_path)}
    if hub.store.name == "s3":
        broken = {"HUB_S3_SECRET_ACCESS_KEY": "wrong", "DATABASE_URL": f"postgres://hub@127.0.0.1:{port}/hub"}
    mail = {"HUB_MAIL_SMTP_URL": f"smtp://127.0.0.1:{port}", "HUB_MAIL_FROM": "hub@example.org"}
    code, found = findings(hub, **broken, **mail)
    seen = verdicts(found)
    assert code == 1 and seen["store"] == seen["mail"] == "fail" and seen["git"] == "pass", found
    if hub.store.name == "s3":
        assert seen["database"] == "fail" and "refused" in found["database"][0][1], found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_home_that_the_hub_may_not_enter_is_found(hub):
    nobody, home, data, program = 65534, hub.folder / "home", hub.folder / "data-of-nobody", hub.folder / "hub"
    home.mkdir(mode=0o700)
    data.mkdir()
    os.chown(data, nobody, nobody)
    # Where the tests find it, nobody may not look.
    shutil.copy(hub_binary(), program)
    env = {**os.environ, **hub.env, "HOME": str(home), "HUB_DATA_DIR": str(data)}
    done = subprocess.run([program, "doctor", "--json"], env=env, user=nobody, group=nobody, capture_output=True, timeout=300)
    said = [finding["message"] for finding in json.loads(done.stdout)["findings"] if finding["check"] == "git"]
    assert done.returncode == 1 and any("may not look into its home folder" in message for message in said), said


def test_a_wrong_setting_is_all_that_is_told(hub):
    code, found = findings(hub, HUB_PUBLIC_URL="nonsense")
    assert code == 1 and list(found) == ["settings"] and found["settings"][0][0] == "fail"


def test_installed_clients_are_really_asked(hub):
    path = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
    done = hub.command("doctor", "client", "--python", sys.executable, PATH=path)
    said = done.stdout
    assert done.returncode == 0, said
    for name in ("huggingface_hub 2.4.0", "datasets", "transformers", "tokenizers"):
        [line] = [line for line in said.splitlines() if f"client: {name}" in line]
        assert line.startswith("PASS") and "asks the hub" in line, said
    assert "a version that is tested" in said and "`hf` (2.4.0) asks the hub" in said
    requests = hub.log.read_text().count("hub-doctor/not-there")
    assert requests >= 4, "they came to the hub"


def test_a_client_that_goes_elsewhere_is_found(hub, tmp_path):
    # A library that does not know HF_ENDPOINT, as there are some.
    package = tmp_path / "peft"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import urllib.request\nclass PeftConfig:\n    @staticmethod\n    def from_pretrained(repo, token):\n"
        "        urllib.request.urlopen(f'https://huggingface.co/{repo}')\n"
    )
    info = tmp_path / "peft-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: peft\nVersion: 0.1\n")
    done = hub.command("doctor", "client", "--python", sys.executable, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "peft 0.1 does not honour HF_ENDPOINT: it asks huggingface.co" in done.stdout, done.stdout
