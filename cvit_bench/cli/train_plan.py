"""The plan of a training as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from cvit_bench.records.training_plan import MemoryEstimate, TrainingPlan, WeightCount

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def plan_text(plan: TrainingPlan) -> str:
    """Return a plan as paragraphs and tables."""
    parts = [_head(plan), _stages(plan), _course(plan), _weights(plan), _memory(plan), _data(plan)]
    if plan.departures:
        parts.append(
            "\n".join(["published code and this recipe", *(f"  - {text}" for text in plan.departures)])
        )
    return "\n\n".join(part for part in parts if part)


def _head(plan: TrainingPlan) -> str:
    recipe = f", recipe {plan.recipe}" if plan.recipe else ""
    rows = [
        ("method", f"{plan.title} ({plan.method}){recipe}, schedule {plan.schedule}"),
        ("suite", f"{plan.suite}, version {plan.suite_version}"),
        ("base", f"{plan.base} (shapes: {plan.shapes}), {plan.dtype}, computing in {plan.precision}"),
    ]
    if plan.adapter:
        rows.append(("adapter", f"{plan.adapter}: {_settings(plan.adapter_config)}"))
    for name, config in plan.hooks.items():
        rows.append(("hook", f"{name}: {_settings(config)}"))
    return str(tabulate(rows, tablefmt="plain", disable_numparse=True))


def _settings(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in config.items())


def _stages(plan: TrainingPlan) -> str:
    if not plan.stages:
        return "no stage: nothing is trained"
    rows = [(stage.name, _number(stage.samples), _number(stage.steps)) for stage in plan.stages]
    rows.append(("all", "", _number(plan.steps)))
    return _table(rows, ("stage", "samples", "steps"))


def _course(plan: TrainingPlan) -> str:
    if not plan.stages:
        return ""
    budget = plan.training
    micro = min(budget.batch_size, budget.micro_batch or budget.batch_size)
    passes = -(-budget.batch_size // micro)
    grouped = ", of like length" if budget.group_by_length else ""
    lines = [
        f"batches    {budget.batch_size} samples a step{grouped}; in one process {passes} passes of {micro}",
        f"optimizer  AdamW, {budget.learning_rate:g}{_projector_rate(plan)}, weight decay "
        f"{budget.weight_decay:g}, gradient clipped at {budget.clip:g}, anew at every stage",
        f"rate       warm-up ({budget.warmup}) over {budget.warmup_share:.0%} of the steps, "
        f"then {budget.schedule}",
    ]
    if plan.rates:
        shown = ", ".join(f"step {point.step:,}: {point.rate:.3g}" for point in plan.rates)
        lines.append(f"           {shown}")
    return "\n".join(lines)


def _projector_rate(plan: TrainingPlan) -> str:
    rate = plan.training.projector_learning_rate
    return "" if rate is None else f" (projector {rate:g})"


def _weights(plan: TrainingPlan) -> str:
    if plan.first is None or plan.last is None:
        return ""
    rows = [("base, frozen", f"{plan.first.base:,}", "")]
    rows.append(_adapter_row("adapter", plan.first))
    if plan.last != plan.first:
        rows.append(_adapter_row("adapter, last stage", plan.last))
    return _table(rows, ("weights", "in all", "of which learn"))


def _adapter_row(name: str, count: WeightCount) -> tuple[str, str, str]:
    return name, f"{count.adapter:,}", f"{count.learning:,}"


def _memory(plan: TrainingPlan) -> str:
    if plan.memory is None:
        return ""
    found: MemoryEstimate = plan.memory
    rows = [(name, _bytes(value)) for name, value in found if name != "length"]
    rows.append(("all", _bytes(found.total)))
    how = "with" if plan.training.checkpointing else "without"
    note = (
        f"An estimate for one process at samples of {found.length} positions, {how} checkpointing, "
        "without what hooks keep; formula: cvit_bench/train/plan_memory.py."
    )
    return f"{_table(rows, ('memory at the last stage', 'about'))}\n{note}"


def _data(plan: TrainingPlan) -> str:
    lines = [
        f"missing: {split.file} (train samples of {split.task}; licence: {split.licence}; {split.citation})"
        for split in plan.missing
    ]
    if lines:
        lines.append("--data-root names the folder of downloaded data")
    elif plan.data:
        lines = [f"data: all {len(plan.data)} train files are here"]
    return "\n".join(lines)


def _table(rows: Sequence[tuple[str, ...]], headers: tuple[str, ...]) -> str:
    align = ("left", *["right"] * (len(headers) - 1))
    return str(tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=align))


def _number(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def _bytes(value: int) -> str:
    """Return a number of bytes in the largest unit that leaves it above 1."""
    size, unit = float(value), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.1f} {_UNITS[unit]}"
