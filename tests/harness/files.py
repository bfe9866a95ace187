"""What is asked of files, whatever their size."""

import hashlib


def sha256(path) -> str:
    """Returns the SHA-256 of a file in hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
