"""A lock that cannot be signed is one message, not a trace."""

import subprocess
import sys

WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.lock import at_work
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    with at_work(Path(sys.argv[1]), "evaluate"):
        print("at work")
except CvitBenchError as error:
    print(error)
"""


def test_a_lock_that_there_is_no_room_for_is_named(tmp_path):
    run_dir = tmp_path / "run"
    words = [sys.executable, "-c", WITHOUT_ROOM, str(run_dir)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"{run_dir / '.lock'}: cannot be written (File too large)\n"
