"""Ten times the samples take no more memory. What is kept of pictures on purpose has a limit of its own."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.proof
SCRIPT = """
import sys
from pathlib import Path
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.vision_memory import Features
if len(sys.argv) > 3:
    Features.__init__.__defaults__ = (int(sys.argv[3]),)
evaluate(Path(sys.argv[1]), EvaluateOptions(limit=int(sys.argv[2]), batch_size=8))
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def peak(folder, suite, limit, *room):
    """Return the most memory, in kilobytes, of evaluating the base alone in a process of its own."""
    folder.mkdir()
    manifest = {
        "run": "base",
        "suite": suite,
        "method": "none",
        "base": {"path": "embedded:mini"},
        "stages": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    words = [sys.executable, "-c", SCRIPT, str(folder), str(limit), *map(str, room)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = sum(len(path.read_text().splitlines()) for path in (folder / "predictions").rglob("*.jsonl"))
    assert lines == 3 * limit
    return int(done.stdout)


@pytest.mark.parametrize(("room", "most"), [((), 1.1), ((1,), 1.03)], ids=["as it is", "no features kept"])
def test_ten_times_the_samples_take_no_more_memory(tmp_path, pair, room, most):
    few, many = peak(tmp_path / "few", pair, 8, *room), peak(tmp_path / "many", pair, 80, *room)
    assert many <= most * few, (few, many)
