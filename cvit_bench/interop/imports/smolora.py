"""SMoLoRA's answer trees: as CoIN's, with `<Task>_<setting>[_<n>shot]/<Stage>_<method>_<setting>`.

The unseen tasks' folders end in `_10shot` though nothing was tuned for them; a few-shot stage is one of a
task that the suite asks after as many shots.
"""

import re
from pathlib import Path

from cvit_bench.interop.answers import FoundCell, folders
from cvit_bench.interop.imports.coin import cell_of

TITLE = "SMoLoRA answer tree"
_TASK = re.compile(r"(?P<task>.+?)(?:_(?:single|multi)\w*?)?(?:_(?P<shots>\d+)shot)?")


def find(path: Path) -> list[FoundCell]:
    """Return the cells of a folder of task folders."""
    found = []
    for task in folders(path):
        parts = _TASK.fullmatch(task.name)
        name = parts["task"] if parts else task.name
        shots = int(parts["shots"]) if parts and parts["shots"] else None
        for stage in sorted(folder for folder in task.iterdir() if folder.is_dir()):
            cell = cell_of(stage, name, stage.name.split("_")[0], shots)
            found += [cell] if cell else []
    return found
