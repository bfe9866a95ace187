"""The people, organisations and tokens that every test hub knows from the start."""

import json
from pathlib import Path

PASSWORD = "correct horse battery staple"


def _token(text: str) -> str:
    """Returns a token of the Hub's shape: `hf_` and 34 letters."""
    return "hf_" + (text * 34)[:34]


TOKENS = {
    "ada": _token("AdaWrites"),
    "bob": _token("BobWrites"),
    "bob-read": _token("BobReads"),
    "carol": _token("CarolReads"),
    "dave": _token("DaveIsAStranger"),
}


def _user(name: str, fullname: str, *tokens: dict, admin: bool = False) -> dict:
    return {
        "name": name,
        "email": f"{name}@example.org",
        "password": PASSWORD,
        "fullname": fullname,
        "admin": admin,
        "tokens": list(tokens),
    }


SEED = {
    "users": [
        _user("ada", "Ada Lovelace", {"name": "laptop", "token": TOKENS["ada"], "role": "write"}, admin=True),
        _user(
            "bob",
            "Bob Builder",
            {"name": "desk", "token": TOKENS["bob"], "role": "write"},
            {"name": "look", "token": TOKENS["bob-read"], "role": "read"},
        ),
        _user("carol", "Carol Reader", {"name": "phone", "token": TOKENS["carol"], "role": "write"}),
        _user("dave", "Dave Stranger", {"name": "pad", "token": TOKENS["dave"], "role": "write"}),
    ],
    "organizations": [
        {
            "name": "acme",
            "fullname": "Acme Research",
            "default_visibility": "public",
            "members": [
                {"user": "ada", "role": "admin"},
                {"user": "bob", "role": "write"},
                {"user": "carol", "role": "read"},
            ],
        }
    ],
}


def write_seed(path: Path) -> Path:
    """Writes the seed file that `hub admin seed` reads."""
    path.write_text(json.dumps(SEED, indent=2))
    return path
