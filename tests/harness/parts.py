"""Large files that clients send by Git LFS in parts: when they do, and how a test sees it."""

MIB = 1 << 20
# The smallest that S3 takes.
PART = 5 * MIB
# With these settings of a hub, files above 16 MiB: tests need no gigabytes.
IN_PARTS = {"HUB_LFS_MULTIPART_ABOVE_MIB": "16", "HUB_LFS_PART_MIB": str(PART // MIB)}


def count_of(size: int) -> int:
    """Returns how many parts a file of so many bytes is sent in."""
    return -(-size // PART)


def sent_over(line) -> int:
    """Returns how many parts were sent over a counting proxy: to the hub, or by signed addresses to S3."""
    return line.requests("/lfs/part/") + line.requests("partNumber=")
