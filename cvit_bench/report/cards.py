"""Method cards: what stands behind a row of a leaderboard, in words first, then every setting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cvit_bench.records.entry import Entry
from cvit_bench.records.provenance import part
from cvit_bench.report.board import Row
from cvit_bench.report.groups import router_seed
from cvit_bench.report.render import flat

IDENTITY = {
    "none": "not used",
    "inferred": "inferred by the method",
    "oracle": "given by an oracle",
    "unknown": "not stated",
}
_SHORT = 12


@dataclass(frozen=True)
class Card:
    """One row's card: its facts in words, and all settings it was trained with."""

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]


def cards(rows: Sequence[Row]) -> list[Card]:
    """Return a card for each row, in the order of the table."""
    return [Card(row.entry.name, row.entry.title, _facts(row), _settings(row.entry)) for row in rows]


def _facts(row: Row) -> tuple[tuple[str, str], ...]:
    entry = row.entry
    training = part(entry.provenance, "training")
    budget = part(training, "training")
    found = {
        "Method": entry.method,
        "Adapter": _words(
            training.get("adapter"), part(training, "adapter_config"), ("rank", "alpha", "num_experts")
        ),
        "Hooks": ", ".join(part(training, "hooks")),
        "Schedule": entry.schedule,
        "Training": _words(None, budget, ("learning_rate", "batch_size", "epochs", "steps")),
        "Recipe": str(training.get("recipe") or ""),
        "Task identity": IDENTITY[entry.task_identity],
        "Instructions": _asked(entry),
        "Base": _base(entry),
        "Seeds": ", ".join(map(str, entry.seeds)),
        "Router seeds": ", ".join(
            str(seed) for run in row.group.routed if (seed := router_seed(run)) is not None
        ),
        "Runs": ", ".join(run.name for run in row.group.runs),
        "Imported from": str(part(entry.provenance, "trained_with", "imported").get("format", "")),
        "Self-test": str(part(entry.provenance, "selftest").get("verdict", "")),
        "Versions": _words(None, part(entry.provenance, "generation", "packages"), ("cvit-bench", "torch")),
    }
    return tuple((key, text) for key, text in found.items() if text)


def _settings(entry: Entry) -> tuple[tuple[str, str], ...]:
    training = part(entry.provenance, "training")
    return tuple(flat(training)) if training else ()


def _words(name: object, values: dict[str, Any], keys: Sequence[str]) -> str:
    known = [f"{key.replace('_', ' ')} {values[key]}" for key in keys if values.get(key) is not None]
    return ", ".join([*([str(name)] if name else []), *known])


def _asked(entry: Entry) -> str:
    num = len(entry.variants)
    return f"{entry.templates} template in training, asked in {num} {'wording' if num == 1 else 'wordings'}"


def _base(entry: Entry) -> str:
    base = part(entry.provenance, "base")
    path, digest = base.get("path"), base.get("sha256")
    return f"{path} ({str(digest)[:_SHORT]}…)" if path and digest else str(path or "")
