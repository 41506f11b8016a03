"""What reads files of others: for any bytes at all it gives a record or a CvitBenchError, nothing else."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save, save_file

from cvit_bench import plugins
from cvit_bench.data.images import open_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.interop.found_checkpoints import FoundCheckpoint, copy_adapter, look_at
from cvit_bench.models.families.scripted import Script
from cvit_bench.models.folders import ADAPTER_FILES, adapter_sha256, detect_family, instruction_mode
from cvit_bench.models.unopened import reads_once, unopened
from cvit_bench.records.entry import Entry
from cvit_bench.records.files import sha256_bytes, sha256_json
from cvit_bench.records.load import load_json, load_yaml
from cvit_bench.records.lock import _whose
from cvit_bench.records.manifest import Manifest
from cvit_bench.records.method import Method
from cvit_bench.records.pace import Pace
from cvit_bench.records.plan import EvaluationPlan
from cvit_bench.records.prediction import Prediction, append_predictions, read_predictions
from cvit_bench.records.published import Published
from cvit_bench.records.ranking import BlankRankings
from cvit_bench.records.recipe import PublishedRecipe
from cvit_bench.records.results import Results
from cvit_bench.records.routing import StageRouting
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.selftest import SelfTest
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template
from cvit_bench.records.typed import TypedMatrix
from cvit_bench.train.stage_files import StageTraining
from cvit_bench.train.stops import StopFiles
from tests.conftest import make_toy
from tests.faults.small import SMALL
from tests.interop.conftest import Trees
from tests.published import miniature

ROOT = Path(__file__).resolve().parents[2]
METHODS, BOARD = ROOT / "cvit_bench" / "train" / "methods", ROOT / "leaderboards" / "mini" / "entries"
PUBLISHED = ROOT / "leaderboards" / "published"
BASE, (CONFIG, WEIGHTS) = ROOT / "cvit_bench" / "mini" / "base", ADAPTER_FILES
TENSOR = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
ROWS = [{"id": "a", "image": None, "question": "What is it?", "choices": ["x", "y"], "answers": ["x"]}]
SAVED = {TENSOR: np.zeros(2, "float32")}
ALIKE, MOST_BYTES, MOST_SEEDS = 40, 60_000, 20
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


def adapter(path: Path) -> None:
    """Look at an adapter of others by its configuration, and copy it."""
    with _beside_weights(path, CONFIG) as folder:
        adapter_sha256(folder)
        instruction_mode(folder)
        reads_once(folder)
        look_at(folder)
        copy_adapter(FoundCheckpoint(folder, "adapter"), folder / "copy", allow_pickle=False)


def base(path: Path) -> None:
    """Look at a base of others by its configuration."""
    with _beside_weights(path, "config.json") as folder:
        detect_family(folder)
        unopened(folder)


@contextmanager
def _beside_weights(path: Path, name: str) -> Iterator[Path]:
    """Put a file in a folder of its own with the small base's tokenizer and a tensor."""
    with tempfile.TemporaryDirectory(dir=path.parent) as made:
        folder = Path(made)
        (folder / name).write_bytes(path.read_bytes())
        for beside in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            (folder / beside).write_bytes((BASE / beside).read_bytes())
        save_file({TENSOR: np.zeros((2, 3), "float32")}, folder / WEIGHTS)
        yield folder


def stop(path: Path) -> None:
    """Read a save of training; it is passed over where it is damaged."""
    with tempfile.TemporaryDirectory(dir=path.parent) as made:
        folder = Path(made)
        (folder / "state.json").write_bytes(path.read_bytes())
        save_file(SAVED, folder / "state.safetensors")
        if StopFiles(folder, "0" * 64)._read(folder) is None:
            raise CvitBenchError("passed over")


def lock(path: Path) -> None:
    """Tell whose a lock is, from what it says."""
    if "process" not in _whose(path) or _whose(path).startswith("another"):
        raise CvitBenchError("says nothing")


def predictions(path: Path) -> None:
    """Read predictions; what is damaged is named."""
    if complaints := read_predictions(path).damaged:
        raise CvitBenchError("; ".join(complaints))


def picture(path: Path) -> None:
    open_picture(Picture(str(path)))


YAML = (Task, Suite, Template, Method, PublishedRecipe)
JSON = (
    Manifest, Entry, Results, EvaluationPlan, BlankRankings, Pace, SelfTest, StageRouting, StageTraining,
    TypedMatrix, Published, Script,
)  # fmt: skip
IMPORTS = {
    "coin": "FRUIT/Fruit/merge.jsonl",
    "smolora": "Fruit_single/Fruit_smolora_single/merge.jsonl",
    "mcitlib": "each_dataset/Fruit/LoRA-task1/merge.jsonl",
    "lmms_eval": "fruit/model/20250101_120000_samples_fruit.jsonl",
    "vlmevalkit": "fruit/T1/fruit_FRUIT.tsv",
    "matrix": "matrix.csv",
}
TARGETS: dict[str, Target] = {
    **{f"reader {name}": partial(read_with, name) for name in plugins.names(plugins.READERS)},
    **{f"yaml {kind.__name__}": partial(yaml_as, kind) for kind in YAML},
    **{f"json {kind.__name__}": partial(json_as, kind) for kind in JSON},
    **{f"import {name}": partial(import_with, name, place) for name, place in IMPORTS.items()},
    "adapter config": adapter,
    "base config": base,
    "save of training": stop,
    "lock": lock,
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
        evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
        saved = {"save": {**SMALL["save"], "sha256": sha256_bytes(save(SAVED))}}
        for name, record in (SMALL | saved).items():
            (root / f"small-{name}.json").write_text(json.dumps(record))
        pq.write_table(pa.Table.from_pylist(ROWS), root / "rows.parquet")
        ours = [*METHODS.glob("[lz]*.yaml"), *sorted(BOARD.glob("*.json"))[:1], BASE / "config.json"]
        ours += [
            *sorted((METHODS.parent / "recipes").glob("*.yaml"))[:2],
            *sorted(PUBLISHED.glob("*-*.json"))[:2],
        ]
        files = [path.read_bytes() for path in [*sorted(root.rglob("*")), *ours] if path.is_file()]
        distinct = {content[:ALIKE]: content for content in files if len(content) < MOST_BYTES}
        return {name: _fitting(name, list(distinct.values()), root) for name in TARGETS}


def _fitting(name: str, files: list[bytes], folder: Path) -> list[bytes]:
    kind = [content for content in files if content.startswith(b"\x89PNG") == (name == "picture")]
    return ([content for content in kind if feed(name, content, folder)] or kind)[:MOST_SEEDS]
