"""The environment in which a client runs, as a person would set it, and nothing else."""

from pathlib import Path


def client_env(url: str, home: Path) -> dict[str, str]:
    """Returns the variables that point every client at the hub and keep its files in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    git_config = home / "gitconfig"
    if not git_config.exists():
        git_config.write_text(
            "[user]\n\tname = Test Person\n\temail = person@example.org\n"
            "[init]\n\tdefaultBranch = main\n"
            "[advice]\n\tdetachedHead = false\n"
            '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n'
            "\tprocess = git-lfs filter-process\n\trequired = true\n"
        )
    return {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home / "hf"),
        "HF_TOKEN": "",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "GIT_CONFIG_GLOBAL": str(git_config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
