"""MCITlib's answer trees: `each_dataset/<Task>/<method>-task<i>/merge.jsonl`, `zero-shot` for the base."""

import re
from pathlib import Path

from cvit_bench.interop.answers import FoundCell, folders
from cvit_bench.interop.imports.coin import cell_of

TITLE = "MCITlib answer tree"
_FOLDER = "each_dataset"
_STAGE = re.compile(r".*?(task\d+)", re.IGNORECASE)


def find(path: Path) -> list[FoundCell]:
    """Return the cells below `each_dataset`, which may be left out of the path."""
    root = path / _FOLDER if (path / _FOLDER).is_dir() else path
    found = []
    for task in folders(root):
        for stage in sorted(folder for folder in task.iterdir() if folder.is_dir()):
            numbered = _STAGE.fullmatch(stage.name)
            cell = cell_of(stage, task.name, numbered[1] if numbered else stage.name)
            found += [cell] if cell else []
    return found
