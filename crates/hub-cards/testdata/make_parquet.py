"""Writes the Parquet files of this folder: one table in every way that is read. Needs pyarrow; run once."""

import datetime
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 60
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("name", pa.string()),
        ("price", pa.decimal128(10, 2)),
        ("at", pa.timestamp("us", tz="UTC")),
        ("day", pa.date32()),
        ("ok", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("vector", pa.list_(pa.float32())),
        ("info", pa.struct([("x", pa.uint8()), ("y", pa.string())])),
        ("blob", pa.binary()),
        ("deep", pa.list_(pa.list_(pa.int32()))),
    ]
)
# None, an empty list, one with nothing in it, and more.
TAGS = [None, [], [None], ["a"], ["a", "b", None]]


def row(number):
    return {
        "id": number,
        "name": None if number % 7 == 3 else f"Zürich {number % 4}",
        "price": decimal.Decimal(number * 5 - 12).scaleb(-2),
        "at": datetime.datetime(2024, 2, 29, 12, 0, number, number, tzinfo=datetime.timezone.utc),
        "day": datetime.date(1969, 12, 30) + datetime.timedelta(days=number),
        "ok": number % 3 == 0,
        "tags": TAGS[number % len(TAGS)],
        "vector": [number / 2, 0.1],
        "info": None if number == 2 else {"x": 250, "y": "y" * number},
        "blob": bytes([0x89, 0x50, number]),
        "deep": [[number], [], [1, 2]],
    }


table = pa.Table.from_pylist([row(number) for number in range(ROWS)], SCHEMA)
for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
    for version in ("1.0", "2.0"):
        path = Path(__file__).with_name(f"{codec}-{version[0]}.parquet")
        pq.write_table(table, path, compression=codec, data_page_version=version, data_page_size=256, write_batch_size=16)
delta = {"id": "DELTA_BINARY_PACKED", "name": "DELTA_BYTE_ARRAY"}
pq.write_table(
    table.select(["id", "name"]), Path(__file__).with_name("delta.parquet"), use_dictionary=False, column_encoding=delta
)
