"""What reads files of others: for any bytes at all it gives a record or a CvitBenchError, nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cvit_bench import plugins
from cvit_bench.data.images import open_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.entry import Entry
from cvit_bench.records.files import sha256_json
from cvit_bench.records.load import load_json, load_yaml
from cvit_bench.records.manifest import Manifest
from cvit_bench.records.method import Method
from cvit_bench.records.plan import EvaluationPlan
from cvit_bench.records.prediction import Prediction, append_predictions, read_predictions
from cvit_bench.records.results import Results
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template
from tests.conftest import make_toy
from tests.interop.conftest import Trees
from tests.published import miniature

ROOT = Path(__file__).resolve().parents[2]
METHODS, BOARD = ROOT / "cvit_bench" / "train" / "methods", ROOT / "leaderboards" / "mini" / "entries"
ALIKE, MOST_BYTES = 40, 60_000
MATRIX = "stage,fruit,pick\nbase,10,20.5\nfruit,90,\n"
Target = Callable[[Path], None]


def read_with(reader: str, path: Path) -> None:
    """Read samples, and answer them as a replay would."""
    for sample in plugins.load(plugins.READERS, reader).read(path):
        answer(sample, path.with_name("answers.jsonl"))


def answer(sample: Sample, path: Path) -> None:
    """Write a sample's prediction and read it again."""
    path.unlink(missing_ok=True)
    key = sha256_json([sample.id, sample.question])
    made = Prediction(id=sample.id, key=key, prompt=sample.question, text="".join(sample.answers))
    append_predictions(path, [made])
    assert read_predictions(path).predictions == [made]


def import_with(format_: str, place: str, path: Path) -> None:
    """Read another tool's answers, from where it keeps them."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        file = Path(folder, place)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.read_bytes())
        whole = file if format_ == "matrix" else Path(folder)
        for cell in plugins.load(plugins.IMPORTS, format_).find(whole):
            for found in cell.read() if cell.read else ():
                sample = Sample("".join(found.ids), "q", (found.text or "x",))
                answer(sample, path.with_name("answers.jsonl"))


def yaml_as(kind: Any, path: Path) -> None:
    load_yaml(path, kind)


def json_as(kind: Any, path: Path) -> None:
    """Read a record; written and read again it is the same."""
    found = load_json(path, kind)
    path.write_text(found.model_dump_json(), encoding="utf-8")
    assert load_json(path, kind) == found


def predictions(path: Path) -> None:
    read_predictions(path)


def picture(path: Path) -> None:
    open_picture(Picture(str(path)))


IMPORTS = {
    "coin": "FRUIT/Fruit/merge.jsonl",
    "lmms_eval": "fruit/model/20250101_120000_samples_fruit.jsonl",
    "vlmevalkit": "fruit/T1/fruit_FRUIT.tsv",
    "matrix": "matrix.csv",
}
TARGETS: dict[str, Target] = {
    **{f"reader {name}": partial(read_with, name) for name in plugins.names(plugins.READERS)},
    **{f"yaml {kind.__name__}": partial(yaml_as, kind) for kind in (Task, Suite, Template, Method)},
    **{
        f"json {kind.__name__}": partial(json_as, kind) for kind in (Manifest, Entry, Results, EvaluationPlan)
    },
    **{f"import {name}": partial(import_with, name, place) for name, place in IMPORTS.items()},
    "predictions": predictions,
    "picture": picture,
}


def feed(name: str, content: bytes, folder: Path) -> bool:
    """Give bytes to a target; True where it takes them, False where it refuses; anything else escapes."""
    path = folder / f"file.{'yaml' if name.startswith('yaml') else 'json'}"
    path.write_bytes(content)
    try:
        TARGETS[name](path)
    except CvitBenchError:
        return False
    return True


def seeds() -> dict[str, list[bytes]]:
    """Return small sound files for every target: all that it takes, or where it takes none all there are."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        toy = make_toy(root / "toy")
        Trees(toy, root / "coin").coin()
        Trees(toy, root / "lmms").lmms_eval()
        Trees(toy, root / "vlm").vlmevalkit()
        (root / "matrix.csv").write_text(MATRIX)
        for write in (miniature.cvit, miniature.coin):
            write(root / f"data-{write.__name__}")
        ours = [*METHODS.glob("[lz]*.yaml"), *sorted(BOARD.glob("*.json"))[:1]]
        files = [path.read_bytes() for path in [*sorted(root.rglob("*")), *ours] if path.is_file()]
        distinct = {content[:ALIKE]: content for content in files if len(content) < MOST_BYTES}
        return {name: _fitting(name, list(distinct.values()), root) for name in TARGETS}


def _fitting(name: str, files: list[bytes], folder: Path) -> list[bytes]:
    kind = [content for content in files if content.startswith(b"\x89PNG") == (name == "picture")]
    return [content for content in kind if feed(name, content, folder)] or kind
