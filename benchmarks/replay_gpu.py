"""Replay on a GPU at the shapes of LLaVA-1.5-7B, random weights: how fast, how much of the machine is used?

    python benchmarks/replay_gpu.py --device cuda                       # LLaVA-1.5-7B shapes, bfloat16
    python benchmarks/replay_gpu.py --device cpu --shapes tiny          # does it run? no figure of it counts

ours     the replay of this package: base loaded once, wordings of a picture together, inputs made ahead
loop     plain transformers: PEFT swaps adapters, padded batches of the same size, `generate`
single   the same, one prompt at a time, on the first `--single` prompts of each stage

Base, two LoRA adapters, pictures and prompts are made on the spot; nothing is downloaded. Loading is not
counted, the first look at the pictures is. Shares of the ceilings are those of the base without an adapter:
of a large matrix product in prefill, of a large copy in decoding, both measured in the same call.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from tabulate import tabulate

from benchmarks.replay_gpu_base import SHAPES, config_of, prompts_of, write_base
from benchmarks.replay_gpu_machine import forget_peak, measured_machine
from cvit_bench.evaluate.lookahead import one_ahead
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.models.inputs import prompt_batch, to_device
from cvit_bench.models.replay import ReplayModel
from cvit_bench.records.files import write_text
from cvit_bench.records.sample import Prompt

TARGETS = {1: 8.0, 5: 20.0}
"""Least ratio of samples/s, ours / one prompt at a time, by the number of wordings."""
MATMUL, SWAP = 0.5, 2.0
"""Least share of the matmul ceiling in prefill; most seconds of a swap."""
Answers = dict[tuple[str, str, str], str]


@dataclass(frozen=True)
class Side:
    """What a way of answering took, and what it said by stage, sample and wording."""

    seconds: float
    answers: Answers

    @property
    def rate(self) -> float:
        """Samples a second."""
        return len(self.answers) / self.seconds


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 where a target is missed with --strict, 2 where it cannot run."""
    given = _parser().parse_args(argv)
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        return _refused(f"--device {given.device}: no GPU is at hand")
    if given.shapes == "7b" and not given.device.startswith("cuda"):
        return _refused(
            "--shapes 7b: needs a GPU (--device cuda); --device cpu --shapes tiny tries the script out"
        )
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        found = measured(Path(folder), given)
    print(_text(found, given))
    if given.json:
        write_text(given.json, json.dumps(found, indent=1) + "\n")
    return 1 if given.strict and not all(found["met"].values()) else 0


def _refused(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


def measured(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    dtype = torch.bfloat16 if given.device.startswith("cuda") else torch.float32
    checkpoints = write_base(folder, given.shapes, given.device, dtype, given.stages)
    _free()
    side = config_of(given.shapes).vision_config.image_size
    asked = {k: prompts_of(given.pictures, k, given.new_tokens, side) for k in given.wordings}
    placement = Placement(given.device, str(dtype).removeprefix("torch."), 1)
    forget_peak(given)
    base = folder / "base"
    ours = {k: _alone(lambda k=k: _ours(base, placement, checkpoints, asked[k], given)) for k in asked}
    machine = measured_machine(base, placement, checkpoints, asked[given.wordings[0]], given)
    _free()
    plain = _Plain(base, given.device, dtype)
    loop = {k: plain.replay(checkpoints, asked[k], given.batch_size) for k in asked}
    single = {k: plain.replay(checkpoints, asked[k][: given.single], 1) for k in asked}
    rows = [_row(k, ours[k], loop[k], single[k]) for k in asked]
    met = {
        f"ours / single, wordings: {row['wordings']}": row["ours / single"] >= TARGETS.get(row["wordings"], 0)
        for row in rows
    }
    met |= {"prefill": machine.prefill >= MATMUL, "swaps": max(machine.swaps) <= SWAP}
    device = torch.cuda.get_device_name() if given.device.startswith("cuda") else "cpu"
    return {"device": device, "rows": rows, "machine": asdict(machine), "met": met}


def _row(wordings: int, ours: Side, loop: Side, single: Side) -> dict[str, Any]:
    return {
        "wordings": wordings,
        "prompts": len(ours.answers),
        "ours": ours.rate,
        "loop": loop.rate,
        "single": single.rate,
        "ours / loop": ours.rate / loop.rate,
        "ours / single": ours.rate / single.rate,
        "distinct answers": len(set(ours.answers.values())),
        "differ from loop": _differing(ours, loop),
        "differ from single": _differing(ours, single),
    }


def _differing(ours: Side, theirs: Side) -> int:
    return sum(ours.answers[name] != text for name, text in theirs.answers.items())


def _ours(
    base: Path, placement: Placement, stages: Sequence[Checkpoint], prompts: Sequence[Prompt],
    given: argparse.Namespace,
) -> Side:  # fmt: skip
    """Replay all stages with what `evaluate` uses, the base just loaded."""
    model, found = ReplayModel(base, placement), {}
    began = time.perf_counter()
    for stage in stages:
        model.use(stage)
        for batch in one_ahead(_batches(prompts, given.batch_size), model.prepare):
            found |= _named(stage, batch, model.generate(batch))
    return Side(time.perf_counter() - began, found)


def _batches(prompts: Sequence[Prompt], size: int) -> list[Sequence[Prompt]]:
    return [prompts[start : start + size] for start in range(0, len(prompts), size)]


def _named(stage: Checkpoint, prompts: Sequence[Prompt], texts: Sequence[str]) -> Answers:
    return {(stage.name, one.sample_id, one.variant): text for one, text in zip(prompts, texts, strict=True)}


class _Plain:
    """A model as transformers and PEFT have it."""

    def __init__(self, base: Path, device: str, dtype: torch.dtype) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._device, self._dtype = torch.device(device), dtype
        self._processor = AutoProcessor.from_pretrained(base)
        self._processor.tokenizer.padding_side = "left"
        self._base = AutoModelForImageTextToText.from_pretrained(base, dtype=dtype).to(device).eval()
        self._adapted: Any = None

    def replay(self, stages: Sequence[Checkpoint], prompts: Sequence[Prompt], batch_size: int) -> Side:
        """Answer at all stages."""
        found: Answers = {}
        began = time.perf_counter()
        for stage in stages:
            self._use(stage)
            for batch in _batches(prompts, batch_size):
                found |= _named(stage, batch, self._generate(batch, is_base=stage.folder is None))
        return Side(time.perf_counter() - began, found)

    def _use(self, stage: Checkpoint) -> None:
        from peft import PeftModel

        if stage.folder is None:
            return
        if self._adapted is None:
            self._adapted = PeftModel.from_pretrained(self._base, stage.folder, adapter_name=stage.name)
        elif stage.name not in self._adapted.peft_config:
            self._adapted.load_adapter(stage.folder, adapter_name=stage.name)
        self._adapted.set_adapter(stage.name)
        self._adapted.eval()

    @torch.inference_mode()
    def _generate(self, prompts: Sequence[Prompt], is_base: bool) -> list[str]:
        batch = to_device(prompt_batch(self._processor, prompts), self._device, self._dtype)
        said = {"max_new_tokens": prompts[0].max_new_tokens, "do_sample": False}
        if self._adapted is None:
            ids = self._base.generate(**batch, **said)
        elif is_base:
            with self._adapted.disable_adapter():
                ids = self._adapted.generate(**batch, **said)
        else:
            ids = self._adapted.generate(**batch, **said)
        new = ids[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in self._processor.batch_decode(new, skip_special_tokens=True)]


def _alone(work: Callable[[], Side]) -> Side:
    """Do some work, and leave no memory behind, kept pictures neither."""
    from cvit_bench.models.encoder import shared_memory

    shared_memory.cache_clear()
    try:
        return work()
    finally:
        shared_memory.cache_clear()
        _free()


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _text(found: dict[str, Any], given: argparse.Namespace) -> str:
    rows = [
        [f"{value:.2f}" if isinstance(value, float) else value for value in row.values()]
        for row in found["rows"]
    ]
    machine = found["machine"]
    swaps = ", ".join(f"{one:.2f}" for one in machine["swaps"])
    lines = [
        ("prefill", f"{machine['prefill']:.0%} of {machine['matmul'] / 1e12:.1f} TFLOP/s"),
        ("decoding", f"{machine['decode']:.0%} of {machine['copy'] / 1e9:.0f} GB/s read and written"),
        ("swaps", f"{swaps} s"),
        ("memory at most", f"{machine['peak'] / 1e9:.1f} GB"),
        *((name, "met" if is_met else "MISSED") for name, is_met in found["met"].items()),
    ]
    about = (
        f"{found['device']}: {given.shapes} shapes, {given.pictures} pictures, {given.stages} stages and the "
        f"base, {given.new_tokens} new tokens, batches of {given.batch_size}; samples/s"
    )
    table = tabulate(rows, headers=list(found["rows"][0]), tablefmt="github", disable_numparse=True)
    return f"{about}\n\n{table}\n\n{tabulate(lines, tablefmt='plain', disable_numparse=True)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shapes", choices=SHAPES, default="7b")
    parser.add_argument("--pictures", type=int, default=64, help="How many pictures are asked about.")
    parser.add_argument("--wordings", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--stages", type=int, default=2, help="LoRA adapters after the base.")
    parser.add_argument("--new-tokens", type=int, default=16, help="Tokens of every answer.")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--single", type=int, default=32, help="Prompts a stage that go one at a time.")
    parser.add_argument(
        "--work", type=Path, help="Where base and adapters are written, 15 GB (default: /tmp)."
    )
    parser.add_argument("--json", type=Path, help="Write the figures there too.")
    parser.add_argument("--strict", action="store_true", help="Exit status 1 when a target is missed.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
