"""The scripts of benchmarks/ lie outside the package: make them importable however pytest is started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
