"""A subset of a suite's samples, drawn with a seed and written down: ids, and a suite that asks only them.

    <data root>/subsets/<suite>-<N>-s<seed>/ids/<task>-<split>.txt        the ids, one a line
    <data root>/subsets/<suite>-<N>-s<seed>/tasks/suites/<the same>.yaml   the suite, to be named by this path

Tasks stand beside it, and templates that are not shipped.

It is a suite of its own, by its name: its results never stand in one table with those on all samples.
"""

import random
from pathlib import Path

import yaml

from cvit_bench.data.library import Library
from cvit_bench.data.samples import read_samples
from cvit_bench.data.split_files import SplitFiles
from cvit_bench.data.suite_data import Looking
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord
from cvit_bench.records.files import write_text
from cvit_bench.records.load import read_text
from cvit_bench.records.split import Split
from cvit_bench.resources import data_root, shipped_folder

FOLDER = "subsets"
_TEMPLATES = "instruction_templates"


def draw_subset(looking: Looking, num: int, seed: int) -> Path:
    """Draw at most `num` samples of every split and return the path of the suite that asks them.

    A few-shot task keeps its train split whole: samples are counted by class there.
    """
    name = f"{looking.suite.name}-{num}-s{seed}"
    root = data_root(looking.root)
    folder = root / FOLDER / name
    splits: dict[str, dict[str, Split]] = {}
    for files in looking.files():
        if files.task.source == "embedded":
            raise CvitBenchError(
                f"task {files.task.name!r}: embedded samples are few; --limit takes the first"
            )
        is_whole = files.name == "train" and files.task.name in looking.suite.few_shot
        drawn = files.split if is_whole else _drawn(files, folder, num, seed)
        splits.setdefault(files.task.name, {})[files.name] = drawn
    for task, changed in splits.items():
        known = looking.library.task(task)
        asked = known.model_copy(update={"splits": {**known.splits, **changed}})
        _save(folder / "tasks" / f"{task}.yaml", asked)
        _copy_template(looking.library, known.template, folder / _TEMPLATES)
    path = folder / "tasks" / "suites" / f"{name}.yaml"
    said = f"{looking.suite.description} At most {num} samples a split, drawn with seed {seed}."
    about = {"name": name, "title": f"{looking.suite.title}, {num} samples", "description": said}
    _save(path, looking.suite.model_copy(update=about))
    return path


def _drawn(files: SplitFiles, folder: Path, num: int, seed: int) -> Split:
    """Write the ids that are drawn of a split; return the split that asks them."""
    names = [sample.id for sample in read_samples(files.task, files.name, files.root)]
    if len(names) <= num:
        return files.split
    chosen = set(random.Random(f"{seed}/{files.task.name}/{files.name}").sample(names, num))
    path = folder / "ids" / f"{files.task.name}-{files.name}.txt"
    write_text(path, "".join(f"{name}\n" for name in names if name in chosen))
    below = path.relative_to(files.root).as_posix()
    return files.split.model_copy(update={"ids": below, "count": num})


def _copy_template(library: Library, name: str, folder: Path) -> None:
    """Copy a template of somebody's own; shipped ones are found anyway."""
    path = library.templates[library.template(name).name]
    if path.parent != shipped_folder(_TEMPLATES):
        write_text(folder / path.name, read_text(path))


def _save(path: Path, record: FileRecord) -> None:
    content = record.model_dump(mode="json", exclude_defaults=True)
    write_text(
        path,
        yaml.safe_dump({"schema_version": record.SCHEMA, **content}, sort_keys=False, allow_unicode=True),
    )
