"""Answer trees of other tools, made from the toy run's scripted answers."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from cvit_bench.interop.importing import import_run
from cvit_bench.interop.placing import About
from tests.conftest import STAGES, TASKS

LOWER = {(stage, task) for at, stage in enumerate(STAGES) for task in TASKS[:at]}
EVERYWHERE = {(stage, task) for stage in STAGES for task in TASKS}


@dataclass(frozen=True)
class Trees:
    """Writes what the toy run's stages say in other tools' formats."""

    toy: object
    root: Path

    def answers(self, stage: str, task: str) -> list[dict[str, str]]:
        """Return id, prompt and text of a cell."""
        said = json.loads(self.toy.script(stage).read_text())["answers"]
        return [
            {"question_id": f"{task}-test-{at}", "prompt": f"What is it, {task} {at}? Be brief.",
             "text": said[f"{task}/{task}-test-{at}"]}
            for at in range(4)
        ]  # fmt: skip

    def coin(self, cells=EVERYWHERE, chunks: int = 0) -> Path:
        """Write `<Task>/<Stage>/merge.jsonl`, or its chunk files."""
        for stage, task in cells:
            folder = self.root / task.upper() / _coin_stage(stage, task)
            rows = self.answers(stage, task)
            if chunks:
                for at in range(chunks):
                    lines(folder / f"{chunks}_{at}.jsonl", rows[at::chunks])
            else:
                lines(folder / "merge.jsonl", rows)
        return self.root

    def smolora(self) -> Path:
        """Write `<Task>_single/<Stage>_smolora_single/merge.jsonl`."""
        for stage, task in LOWER | {(STAGES[3], TASKS[3])}:
            ending = "single_10shot" if task == TASKS[3] else "single"
            learned = stage.split("-")[1].title()
            folder = self.root / f"{task.title()}_{ending}" / f"{learned}_smolora_single"
            lines(folder / "merge.jsonl", self.answers(stage, task))
        return self.root

    def mcitlib(self) -> Path:
        """Write `each_dataset/<Task>/LoRA-task<i>/merge.jsonl`."""
        for stage, task in EVERYWHERE:
            name = "zero-shot" if stage == STAGES[0] else f"LoRA-task{int(stage[:2])}"
            lines(self.root / "each_dataset" / task.title() / name / "merge.jsonl", self.answers(stage, task))
        return self.root

    def vlmevalkit(self, ending: str = "tsv") -> Path:
        """Write `<stage>/<run>/<stage>_<dataset>` tables."""
        for stage, task in EVERYWHERE:
            name = "base" if stage == STAGES[0] else stage.split("-")[1]
            rows = [(row["question_id"], row["prompt"], row["text"]) for row in self.answers(stage, task)]
            path = self.root / name / "T20250101" / f"{name}_{task.upper()}.{ending}"
            table(path, [("index", "question", "prediction"), *rows])
        table(self.root / "fruit" / "fruit_FRUIT_acc.csv", [("split", "Overall"), ("none", "0.5")])
        return self.root

    def lmms_eval(self, with_ids: bool = False) -> Path:
        """Write `<stage>/model/<time>_samples_<task>.jsonl`."""
        for stage, task in EVERYWHERE:
            name = "base" if stage == STAGES[0] else stage.split("-")[1]
            rows = []
            for at, row in enumerate(self.answers(stage, task)):
                rows.append({"doc_id": at, "target": reference(self.toy, task, at), "input": row["prompt"],
                             "resps": [[row["text"]]], "filtered_resps": [row["text"]]})  # fmt: skip
                if with_ids:
                    rows[-1]["doc"] = {"question_id": row["question_id"]}
                    del rows[-1]["target"]
            lines(self.root / name / "model" / f"20250101_120000_samples_{task}.jsonl", rows)
        return self.root


def reference(toy, task: str, at: int) -> str:
    return json.loads((toy.data / task / "test.jsonl").read_text().splitlines()[at])["answers"][0]


def lines(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(path: Path, rows: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        with path.open("w", newline="") as stream:
            csv.writer(stream, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(rows)


def _coin_stage(stage: str, task: str) -> str:
    learned = stage.split("-")[1]
    if learned == "base":
        return "Zero_shot"
    return "Finetune" if learned == task else learned.title()


@pytest.fixture
def trees(toy, tmp_path):
    """Give the writer of answer trees."""
    return Trees(toy, tmp_path / "theirs")


@pytest.fixture
def imported(toy, tmp_path):
    """Give a function that imports a tree and scores it."""

    def run(format_: str, path: Path, about: About | None = None):
        target = tmp_path / "runs" / format_
        notes = import_run(format_, path, toy.suite, target, about or About(), toy.data)
        return target, notes

    return run
