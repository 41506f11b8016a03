"""The state of a stage at some step, so that a killed stage goes on from there, bit for bit.

A stop is two files for each process, tensors (safetensors) and what goes with them (JSON, with the tensors'
hash), in a folder that is renamed into place when it is whole. The last two are kept; a damaged one is passed
over.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from cvit_bench.errors import CvitBenchError
from cvit_bench.progress import say
from cvit_bench.records.files import sha256_file
from cvit_bench.records.load import load_object
from cvit_bench.train.processes import Processes
from cvit_bench.train.stage_files import stage_folder

if TYPE_CHECKING:
    from cvit_bench.train.loop import Tuning

KEPT = 2


@dataclass(frozen=True)
class Stop:
    """Tensors and losses of a process after some steps."""

    tensors: dict[str, torch.Tensor]
    losses: list[float]

    @classmethod
    def of(cls, tuning: Tuning) -> Stop:
        """Return the state of a stage now: weights, buffers, optimizer, random numbers, running sums."""
        stage = tuning.stage
        tensors = {f"weight/{name}": weight.detach() for name, weight in stage.weights.items()}
        for name, weight in stage.weights.items():
            for key, value in tuning.optimizer.state[weight].items():
                tensors[f"optimizer/{key}/{name}"] = torch.as_tensor(value)
        if stage.tuner is not None:
            tensors |= {f"tuner/{name}": value for name, value in stage.tuner.running_state().items()}
        tensors["random/cpu"] = torch.get_rng_state()
        if stage.base.device.type == "cuda":
            tensors["random/device"] = torch.cuda.get_rng_state(stage.base.device)
        return cls({name: value.cpu().contiguous() for name, value in tensors.items()}, list(tuning.losses))

    def restore(self, tuning: Tuning) -> None:
        """Put a stage into this state."""
        stage, device = tuning.stage, tuning.stage.base.device
        with torch.no_grad():
            for name, weight in stage.weights.items():
                weight.copy_(self.tensors[f"weight/{name}"])
        for key, value in self.tensors.items():
            part, _, rest = key.partition("/")
            if part == "optimizer":
                what, _, name = rest.partition("/")
                placed = value if what == "step" else value.to(device)
                tuning.optimizer.state[stage.weights[name]][what] = placed.clone()
        if stage.tuner is not None:
            stage.tuner.resume_state(
                {
                    k.removeprefix("tuner/"): v.to(device)
                    for k, v in self.tensors.items()
                    if k.startswith("tuner/")
                }
            )
        torch.set_rng_state(self.tensors["random/cpu"])
        if "random/device" in self.tensors:
            torch.cuda.set_rng_state(self.tensors["random/device"], device)
        tuning.losses[:] = self.losses


@dataclass(frozen=True)
class StopFiles:
    """Where the stops of one stage lie: `.STAGE.steps/000040-0/`. `origin` is what the stage is made from."""

    folder: Path
    origin: str
    processes: Processes = field(default_factory=Processes)

    def save(self, stop: Stop) -> None:
        """Write a stop and drop all but the last two.

        Raises CvitBenchError when it cannot be written; the one before stays.
        """
        before = self._found()
        target = self.folder / f"{len(stop.losses):06d}-{self.processes.rank}"
        shutil.rmtree(target, ignore_errors=True)
        try:
            with stage_folder(target) as temporary:
                self._write(temporary, stop)
        except (CvitBenchError, SafetensorError) as error:
            last = int(before[-1].name.partition("-")[0]) if before else 0
            raise CvitBenchError(
                f"{error}\nthe steps from {last} to {len(stop.losses)} are lost; "
                f"the same command goes on from step {last}"
            ) from error
        for old in [*before, target][:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def _write(self, folder: Path, stop: Stop) -> None:
        tensors = folder / "state.safetensors"
        save_file(stop.tensors, tensors)
        row = {
            "origin": self.origin,
            "processes": self.processes.count,
            "losses": stop.losses,
            "sha256": sha256_file(tensors),
        }
        (folder / "state.json").write_text(json.dumps(row), encoding="utf-8")

    def last(self) -> Stop | None:
        """Return the last whole stop that every process has, None to begin the stage anew."""
        found = {self._step(path): stop for path in self._found() if (stop := self._read(path)) is not None}
        shared = self._shared(sorted(found))
        if not shared:
            return None
        say(f"{self.folder.name.strip('.').removesuffix('.steps')}: goes on from step {shared[-1]}")
        return found[shared[-1]]

    def _shared(self, steps: list[int]) -> list[int]:
        """Return the steps that all processes have."""
        if self.processes.count == 1:
            return steps
        gathered: list[Any] = [None] * self.processes.count
        torch.distributed.all_gather_object(gathered, steps)
        return sorted(set.intersection(*map(set, gathered)))

    def _found(self) -> list[Path]:
        return sorted(self.folder.glob(f"[0-9]*-{self.processes.rank}"))

    @staticmethod
    def _step(path: Path) -> int:
        return int(path.name.partition("-")[0])

    def _read(self, path: Path) -> Stop | None:
        """Return a stop; None, and say why, when it is damaged or of other settings."""
        try:
            row = load_object(path / "state.json")
            if (row["origin"], row["processes"]) != (self.origin, self.processes.count):
                say(f"{path}: is of other settings, data or number of processes: passed over")
                return None
            tensors = path / "state.safetensors"
            if sha256_file(tensors) != row["sha256"]:
                raise ValueError("its tensors differ from their hash")
            return Stop(load_file(tensors), [float(loss) for loss in row["losses"]])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError, CvitBenchError) as error:
            say(f"{path}: is damaged ({error}): passed over")
            return None
