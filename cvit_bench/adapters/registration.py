"""Make PEFT know our adapters as soon as it is imported, so that `import cvit_bench` itself stays light."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

PEFT = "peft"


class _Watch(importlib.abc.MetaPathFinder):
    """Lets the next import of PEFT through and registers our tuner after it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != PEFT:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(PEFT)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                register()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register() -> None:
    """Register our tuner with PEFT, which must be importable: the bridge does so when it is imported."""
    importlib.import_module("cvit_bench.adapters.peft_bridge")


def register_when_imported() -> None:
    """Register now if PEFT is there already, else when it is imported."""
    if PEFT in sys.modules:
        register()
    elif not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())
