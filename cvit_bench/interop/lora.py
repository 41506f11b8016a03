"""Export a stage as a plain PEFT LoRA, which any tool loads without this package.

A LoRA is copied. A stage of BranchLoRA folds for one task at a time: its router sees only the first token,
so its gates are one constant a layer, and Σ_n w_n B_n A is a LoRA of A's rank. Other routed methods choose
by sample and do not fold.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from cvit_bench.adapters.branchlora import Config, Update
from cvit_bench.adapters.dense import DenseUpdate
from cvit_bench.adapters.peft_bridge import RoutedConfig, RoutedModel, tuner_of
from cvit_bench.adapters.sites import one_pattern
from cvit_bench.data.library import open_suite
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import load_adapter, save_adapter
from cvit_bench.models.family import Placement
from cvit_bench.models.folders import adapter_sha256, base_folder, base_sha256, public_name
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.records.manifest import Manifest, load_manifest
from cvit_bench.records.sample import Prompt
from cvit_bench.text import unknown_name

TOLERANCE = 1e-4
"""Largest difference of logits between a stage and its folded form, relative to the largest logit."""


def export_lora(run_dir: Path, stage: str, task: str | None, out: Path, placement: Placement) -> str:
    """Write a stage of a run as a plain LoRA folder; return what was done in one line.

    Raises CvitBenchError when the stage does not fold, or `out` is there already.
    """
    from peft import PeftConfig

    manifest = load_manifest(run_dir)
    folders = {found.name: run_dir / found.checkpoint for found in manifest.stages}
    if stage not in folders:
        raise CvitBenchError(f"--stage: {unknown_name('stage', stage, folders)}")
    if out.exists():
        raise CvitBenchError(f"--out {out}: is there already")
    adapter_sha256(folders[stage])
    config = PeftConfig.from_pretrained(str(folders[stage]))
    if str(config.peft_type.value) == "LORA":
        shutil.copytree(folders[stage], out)
        return f"{out}: copied, it is a plain LoRA already"
    _refuse_unless_it_folds(stage, config)
    if task is None:
        raise CvitBenchError(
            f"--task: {stage} folds for one task at a time (known: {', '.join(config.tasks)})"
        )
    if task not in config.tasks:
        raise CvitBenchError(f"--task: {unknown_name('task', task, config.tasks)}")
    return _fold(run_dir, manifest, folders[stage], (task, config.tasks.index(task)), out, placement)


def _refuse_unless_it_folds(stage: str, config: Any) -> None:
    method = getattr(config, "method", str(config.peft_type.value))
    if not isinstance(config, RoutedConfig) or method != "branchlora":
        raise CvitBenchError(f"{stage}: an adapter of method {method!r} does not fold: it chooses by sample")
    settings = config.read_settings()
    if not isinstance(settings, Config) or settings.router_input != "first":
        raise CvitBenchError(f"{stage}: adapter.router_input: only routers that see the first token fold")
    if settings.projector == "adapt":
        raise CvitBenchError(f"{stage}: adapter.projector: adapt: its gates depend on the picture")


def _fold(
    run_dir: Path, manifest: Manifest, folder: Path, task: tuple[str, int], out: Path, placement: Placement
) -> str:
    source = base_folder(manifest.base, run_dir)
    base = load_base(source, placement)
    adapted = load_adapter(base.model, None, folder, "stage", source)
    tuner = tuner_of(adapted)
    if tuner is None:
        raise CvitBenchError(f"{folder}: no routed adapter")
    batch = _two_prompts(manifest, task[0], base)
    wanted, gates = _routed_logits(adapted, tuner, batch, task[1])
    weights = _folded_weights(tuner, gates, task[1])
    rank = len(next(down for name, (down, _) in weights.items() if name in gates))
    scale = tuner.settings.scale
    projector = tuner.peft_config[tuner.active_adapters[0]].projector
    base.model = adapted.unload()
    folded = _plain_lora(base.model, weights, rank, scale * rank, projector)
    with torch.no_grad():
        gap = float((folded(**batch).logits - wanted).abs().max() / wanted.abs().max())
    if gap > TOLERANCE:
        raise CvitBenchError(
            f"{folder}: the folded adapter's logits differ by {gap:.2g}; nothing was written"
        )
    out.mkdir(parents=True)
    save_adapter(folded, out, public_name(manifest.base), base_sha256(source))
    return f"{out}: a LoRA of rank {rank} for {task[0]}; logits within {gap:.1g} of the stage's"


def _two_prompts(manifest: Manifest, task: str, base: LoadedBase) -> dict[str, torch.Tensor]:
    library, _ = open_suite(manifest.suite)
    found = library.task(task)
    template = library.template(found.template)
    samples = load_samples(found, "test", None, 2)
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


def _folded_weights(
    tuner: RoutedModel, gates: dict[str, torch.Tensor], task: int
) -> dict[str, tuple[torch.Tensor, torch.Tensor | None]]:
    """Return A and Σ w_n B_n of each layer, or ΔW and Δb of those tuned in full."""
    found: dict[str, tuple[torch.Tensor, torch.Tensor | None]] = {}
    for name, update in tuner.updates.items():
        if isinstance(update, Update):
            branches = torch.stack([branch.up for branch in update.branches]).detach()
            found[name] = (update.down.detach(), torch.einsum("n,nor->or", gates[name], branches))
        elif isinstance(update, DenseUpdate):
            difference = update.differences[task if update.per_task else 0]
            bias = None if difference.bias is None else difference.bias.detach()
            found[name] = (difference.weight.detach(), bias)
    return found


def _plain_lora(
    model: Any,
    weights: dict[str, tuple[torch.Tensor, torch.Tensor | None]],
    rank: int,
    alpha: float,
    projector: str,
) -> Any:
    from peft import LoraConfig, get_peft_model

    inside = f"{projector}."
    linears = tuple(name for name in weights if not (projector and name.startswith(inside)))
    full = [name for name in weights if name not in linears]
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=one_pattern(linears),
        modules_to_save=[projector] if full else None,
        bias="none",
    )
    folded = get_peft_model(model, config).eval()
    layers = dict(folded.base_model.model.named_modules())
    with torch.no_grad():
        for name in linears:
            down, up = weights[name]
            layers[name].lora_A["default"].weight.copy_(down)
            layers[name].lora_B["default"].weight.copy_(up)
        for name in full:
            place = f"{projector}.modules_to_save.default.{name.removeprefix(inside)}"
            weight, bias = weights[name]
            layers[place].weight.add_(weight)
            if bias is not None:
                layers[place].bias.add_(bias)
    return folded
