"""Export a stage as a plain PEFT LoRA, which any tool loads without this package.

A LoRA is copied. A stage of O-LoRA is a LoRA already, of rank t · r: its A's and B's are stacked. A stage of
BranchLoRA folds for one task at a time: its router sees only the first token, so its gates are one constant a
layer, and Σ_n w_n B_n A is a LoRA of A's rank. Other routed methods choose by sample and do not fold.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cvit_bench.adapters import olora
from cvit_bench.adapters.branchlora import Config, Update
from cvit_bench.adapters.dense import DenseUpdate
from cvit_bench.adapters.peft_bridge import RoutedConfig, RoutedModel, tuner_of
from cvit_bench.data.library import open_suite
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.plain import PlainWeights, plain_lora
from cvit_bench.interop.whole import whole_folder
from cvit_bench.models.adapter_files import load_adapter, save_adapter
from cvit_bench.models.family import Placement
from cvit_bench.models.folders import (
    ADAPTER_FILES,
    adapter_config,
    adapter_sha256,
    base_folder,
    base_sha256,
    public_name,
)
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.records.manifest import Manifest, load_manifest
from cvit_bench.records.sample import Prompt
from cvit_bench.text import first_line, unknown_name

TOLERANCE = 1e-4
"""Largest difference of logits between a stage and its plain form, relative to the largest logit."""


@dataclass(frozen=True)
class _Stage:
    """A checkpoint of a run, and where the data of its tasks lie."""

    run_dir: Path
    manifest: Manifest
    folder: Path
    data_root: Path | None


def export_lora(
    run_dir: Path,
    stage: str,
    task: str | None,
    out: Path,
    placement: Placement,
    data_root: Path | None = None,
) -> str:
    """Write a stage of a run as a plain LoRA folder; return what was done in one line.

    Raises CvitBenchError when the stage does not fold, or `out` is there already.
    """
    manifest = load_manifest(run_dir)
    folders = {one.name: run_dir / one.checkpoint for one in manifest.stages}
    if stage not in folders:
        raise CvitBenchError(f"--stage: {unknown_name('stage', stage, folders)}")
    if out.exists():
        raise CvitBenchError(f"--out {out}: is there already")
    config = _config_of(folders[stage])
    if str(config.peft_type.value) == "LORA":
        with whole_folder(out) as folder:
            shutil.copytree(folders[stage], folder)
        return f"{out}: copied, it is a plain LoRA already"
    _refuse_unless_it_folds(stage, config)
    found = _Stage(run_dir, manifest, folders[stage], data_root)
    if config.method == "olora":
        return _write(found, len(config.tasks) - 1, out, placement)
    if task is None:
        raise CvitBenchError(
            f"--task: {stage} folds for one task at a time (known: {', '.join(config.tasks)})"
        )
    if task not in config.tasks:
        raise CvitBenchError(f"--task: {unknown_name('task', task, config.tasks)}")
    said = _write(found, config.tasks.index(task), out, placement)
    return f"{said}; for {task} alone"


def _config_of(folder: Path) -> Any:
    """Return PEFT's configuration of an adapter folder; raise when it is none."""
    from peft import PeftConfig

    adapter_sha256(folder)
    adapter_config(folder)
    try:
        config = PeftConfig.from_pretrained(str(folder))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise CvitBenchError(f"{folder}: no adapter that PEFT knows ({first_line(error)})") from error
    if config.peft_type is None:
        raise CvitBenchError(f"{folder / ADAPTER_FILES[0]}: peft_type: this key is required")
    return config


def _refuse_unless_it_folds(stage: str, config: Any) -> None:
    method = getattr(config, "method", str(config.peft_type.value))
    if isinstance(config, RoutedConfig) and method == "olora":
        return
    if not isinstance(config, RoutedConfig) or method != "branchlora":
        raise CvitBenchError(f"{stage}: an adapter of method {method!r} does not fold: it chooses by sample")
    settings = config.read_settings()
    if not isinstance(settings, Config) or settings.router_input != "first":
        raise CvitBenchError(f"{stage}: adapter.router_input: only routers that see the first token fold")
    if settings.projector == "adapt":
        raise CvitBenchError(f"{stage}: adapter.projector: adapt: its gates depend on the picture")


def _write(stage: _Stage, task: int, out: Path, placement: Placement) -> str:
    """Write a checkpoint's plain form, for the task of that number where it matters, after a check."""
    folder, reference = stage.folder, stage.manifest.base
    source = base_folder(reference, stage.run_dir)
    base = load_base(source, placement)
    adapted = load_adapter(base.model, None, folder, "stage", source)
    tuner = tuner_of(adapted)
    if tuner is None:
        raise CvitBenchError(f"{folder}: no routed adapter")
    config = tuner.peft_config[tuner.active_adapters[0]]
    batch = _two_prompts(stage, config.tasks[task], base)
    wanted, gates = _routed_logits(adapted, tuner, batch, task)
    weights = _plain_weights(tuner, gates, task)
    base.model = adapted.unload()
    made = plain_lora(base.model, weights, config.projector)
    with torch.no_grad():
        gap = float((made(**batch).logits - wanted).abs().max() / wanted.abs().max())
    if gap > TOLERANCE:
        raise CvitBenchError(f"{folder}: the plain LoRA's logits differ by {gap:.2g}; nothing was written")
    with whole_folder(out) as target:
        save_adapter(made, target, public_name(reference), base_sha256(source))
    return f"{out}: a LoRA of rank {weights.rank}; logits within {gap:.1g} of the stage's"


def _two_prompts(stage: _Stage, task: str, base: LoadedBase) -> dict[str, torch.Tensor]:
    library, _ = open_suite(stage.manifest.suite)
    found = library.task(task)
    template = library.template(found.template)
    samples = load_samples(found, "test", stage.data_root, 2)
    prompts: Sequence[Prompt] = build_prompts(found, template, template.variants[0], samples)
    return base.encoder.prompts(prompts)


@torch.no_grad()
def _routed_logits(
    adapted: Any, tuner: RoutedModel, batch: dict[str, torch.Tensor], task: int
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return logits with the task's router, and each layer's gates [N]; these must not depend on prompts."""
    count = len(batch["input_ids"])
    tuner.routing.tasks = torch.full((count,), task, device=batch["input_ids"].device)
    wanted = adapted(**batch, use_cache=False).logits
    gates = {}
    for name, update in tuner.updates.items():
        if isinstance(update, Update):
            rows = tuner.routing.kept[name, "gates"]
            if not torch.allclose(rows[0], rows[-1], atol=1e-6):
                raise CvitBenchError(f"{name}: gates depend on the prompt: the chat has no fixed first token")
            gates[name] = rows[0]
    return wanted, gates


@torch.no_grad()
def _plain_weights(tuner: RoutedModel, gates: dict[str, torch.Tensor], task: int) -> PlainWeights:
    """Return A and Σ w_n B_n, or all A's and B's, of each layer, and ΔW and Δb of those tuned in full."""
    weights = PlainWeights({}, {}, tuner.settings.scale)
    for name, update in tuner.updates.items():
        if isinstance(update, Update):
            branches = torch.stack([branch.up for branch in update.branches])
            weights.low_rank[name] = (update.down, torch.einsum("n,nor->or", gates[name], branches))
        elif isinstance(update, olora.Update):
            weights.low_rank[name] = update.stacked()
        elif isinstance(update, DenseUpdate):
            difference = update.differences[task if update.per_task else 0]
            weights.full[name] = (difference.weight, difference.bias)
    return weights
