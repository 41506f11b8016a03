"""Benchmark and evaluation harness for continual visual instruction tuning.

Importing the package makes PEFT able to load our adapters: `PeftModel.from_pretrained(base, folder)`.
"""

from cvit_bench.adapters.registration import register_when_imported

__version__ = "0.1.0"

register_when_imported()
