"""The cost of an evaluation as text."""

from tabulate import tabulate

from cvit_bench.records.cost import EvaluationCost

HEADERS = ("stage", "cells", "prompts", "answered already", "to generate", "to rank")


def cost_text(cost: EvaluationCost) -> str:
    """Return a table of the stages, and what all of them together take."""
    rows = [
        (one.name, one.cells, one.prompts, one.prompts - one.to_generate, one.to_generate, one.to_rank)
        for one in cost.stages
    ]
    lines = [("samples", f"{cost.samples:,}"), *_tokens(cost), *_work(cost), ("time", _time(cost))]
    return f"{tabulate(rows, headers=HEADERS, tablefmt='simple')}\n\n" + str(
        tabulate(lines, tablefmt="plain", disable_numparse=True)
    )


def _tokens(cost: EvaluationCost) -> list[tuple[str, str]]:
    decode = ("to write", f"at most {sum(one.decode for one in cost.stages):,} tokens, by the tasks' limits")
    if cost.weights is None:
        return [decode]
    prefill, shared, alike = (
        sum(getattr(one, name) or 0 for one in cost.stages) for name in ("prefill", "shared", "alike")
    )
    pictures = (
        f"{cost.picture_tokens} for a picture"
        if cost.picture_tokens
        else "without pictures: their size decides"
    )
    read = f"about {prefill:,} tokens ({pictures}); {shared:,} with what prompts begin with read once"
    return [("to read", read), ("beginnings", f"shared by {alike:,} prompts"), decode]


def _work(cost: EvaluationCost) -> list[tuple[str, str]]:
    if cost.tflop is None or cost.weights is None:
        return []
    tower = f", {cost.pictures:,} pictures through {cost.tower:,}" if cost.tower else ""
    counted = f"2 × {cost.weights:,} weights × tokens{tower}; without ranking"
    return [("work", f"at most {cost.tflop:,.3g} TFLOP ({counted})")]


def _time(cost: EvaluationCost) -> str:
    if cost.rate is None or cost.seconds is None:
        return "not known: nothing of this run was answered here so far"
    measured = ", ".join(cost.measured)
    return f"about {cost.seconds:,.0f} s at {cost.rate:,.1f} samples/s, as measured at {measured}"
