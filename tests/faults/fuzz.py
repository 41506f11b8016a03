"""Coverage-guided search for files that break a reader: `make fuzz` runs it for a bounded time.

    python -m tests.faults.fuzz CORPUS -max_total_time=60

The first byte of an input chooses the target, the rest is its file. What is found is written to the working
folder as `crash-…`; `python -m tests.faults.fuzz crash-…` runs it again.
"""

import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cvit_bench", "yaml", "json"], enable_loader_override=False):
    from cvit_bench.progress import silence
    from tests.faults.targets import TARGETS, feed, seeds

NAMES = sorted(TARGETS)


def main() -> None:
    logging.disable(logging.CRITICAL)
    silence()
    folder = Path(tempfile.mkdtemp(prefix="cvit-bench-fuzz-"))
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    if words and not Path(words[0]).is_file():
        plant(Path(words[0]))

    def one(data: bytes) -> None:
        if data:
            feed(NAMES[data[0] % len(NAMES)], data[1:], folder)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


def plant(corpus: Path) -> None:
    """Write the sound files that a search starts from."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, files in seeds().items():
        for at, content in enumerate(files):
            seed = corpus / f"seed-{name.replace(' ', '-')}-{at}"
            seed.write_bytes(bytes([NAMES.index(name)]) + content)


if __name__ == "__main__":
    main()
