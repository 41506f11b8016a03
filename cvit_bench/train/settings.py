"""What a training run was asked to do: method, suite and `--set` overrides, resolved into one record."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import (
    BaseModel,
    Field,
    ValidationError,
)

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record
from cvit_bench.records.files import sha256_json
from cvit_bench.records.load import problems
from cvit_bench.records.method import Method
from cvit_bench.records.recipe import ChosenRecipe, find_recipe
from cvit_bench.records.suite import Suite, TemplateSetting
from cvit_bench.records.training import TrainingBudget
from cvit_bench.text import known, unknown_name

SECTIONS = ("adapter", "training", "hooks")


class TrainSettings(Record):
    """Everything that decides the weights a run ends with, apart from data and base.

    Attributes:
        holdout: share of each task's train samples that is left out, for choosing settings on.
        stages: only the suite's first so many train tasks; None for all.
    """

    method: str
    recipe: str | None = None
    suite: str
    suite_version: int
    seed: int
    limit: int | None
    schedule: str
    templates: TemplateSetting
    adapter: str | None
    adapter_config: dict[str, Any]
    hooks: dict[str, dict[str, Any]] = {}
    training: TrainingBudget
    holdout: float = Field(default=0.0, ge=0, lt=1)
    stages: int | None = Field(default=None, ge=1)

    @property
    def sha256(self) -> str:
        """Hash of all settings that change a weight."""
        return sha256_json(changing_weights(self.model_dump(mode="json")))

    def on_part(self, suite: Suite, holdout: float = 0.0, stages: int | None = None) -> "TrainSettings":
        """Return the same settings for a run that learns from a part of the suite only.

        Raises CvitBenchError for a share or a number of tasks that the suite does not have.
        """
        if not 0 <= holdout < 1:
            raise CvitBenchError(f"--holdout {holdout}: expected a share from 0 to below 1")
        if stages is not None and not 1 <= stages <= len(suite.train):
            raise CvitBenchError(
                f"--stages {stages}: suite {suite.name!r} has {len(suite.train)} train tasks"
            )
        first = None if stages == len(suite.train) else stages
        return self.model_copy(update={"holdout": float(holdout), "stages": first})


def changing_weights(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return written settings but how often a stage is saved, which changes no weight."""
    training = written.get("training")
    if not isinstance(training, Mapping):
        return dict(written)
    return {**written, "training": {key: value for key, value in training.items() if key != "save_steps"}}


def resolve(
    method: Method,
    suite: Suite,
    overrides: Sequence[str],
    seed: int = 0,
    limit: int | None = None,
    recipe: str | None = None,
) -> TrainSettings:
    """Merge, each winning over the ones before: defaults, suite, method, recipe, `section.key=value`."""
    given, wanted = parse_overrides(overrides), find_recipe(method, recipe)
    budget = {**suite.training.model_dump(), **wanted.training, **given.get("training", {})}
    adapter = {**suite.adapter, **method.adapter_config, **wanted.adapter, **given.get("adapter", {})}
    if given.get("adapter") and method.adapter is None:
        raise CvitBenchError(f"--set adapter.…: method {method.name!r} has no adapter")
    return TrainSettings(
        method=method.name,
        recipe=wanted.name,
        suite=suite.name,
        suite_version=suite.version,
        seed=seed,
        limit=limit,
        schedule=method.schedule,
        templates=suite.templates,
        adapter=method.adapter,
        adapter_config=_adapter_config(
            method.adapter,
            adapter,
            _where(given, wanted, "adapter", f"method {method.name!r}: adapter_config"),
        ),
        hooks=_hooks(method.hooks, given),
        training=checked(
            TrainingBudget,
            budget,
            _where(given, wanted, "training", f"suite {suite.name!r}: training"),
        ),
    )


def _where(given: Mapping[str, Any], recipe: ChosenRecipe, section: str, else_: str) -> str:
    """Return what a message about a section's settings starts with: what was merged in last."""
    if section in given:
        return f"--set {section}"
    return f"{recipe.where}: {section}" if recipe.where else else_


def _adapter_config(adapter: str | None, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    if adapter is None:
        return {}
    kind: type[BaseModel] = plugins.load(plugins.ADAPTERS, adapter).Config
    return checked(kind, given, where).model_dump(mode="json")


def _hooks(wanted: Mapping[str, dict[str, Any]], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of every hook; overrides are `hooks.NAME.KEY`."""
    overrides: dict[str, dict[str, Any]] = {}
    for place, value in given.get("hooks", {}).items():
        name, dot, key = place.partition(".")
        if not dot or name not in wanted:
            raise CvitBenchError(
                f"--set hooks.{place}: expected hooks.NAME.KEY=value of a hook in use "
                f"(in use: {known(wanted)}; --hook NAME adds one)"
            )
        overrides.setdefault(name, {})[key] = value
    found = {}
    for name, config in wanted.items():
        module = plugins.load(plugins.HOOKS, name)
        where = f"--set hooks.{name}" if name in overrides else f"hooks.{name}"
        full = checked(module.Config, {**config, **overrides.get(name, {})}, where)
        found[name] = full.model_dump(mode="json")
    return found


def checked(kind: type[BaseModel], given: Mapping[str, Any], where: str) -> Any:
    """Validate values into a record; raise with every problem, each starting with `where`."""
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise CvitBenchError("\n".join(problems(where, error, kind, {}))) from error


def parse_overrides(overrides: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse `section.key=value` words; values are read as yaml scalars (1e-3 is a number)."""
    parsed: dict[str, dict[str, Any]] = {}
    for word in overrides:
        place, equals, value = word.partition("=")
        section, dot, key = place.partition(".")
        if not (equals and dot and key):
            raise CvitBenchError(
                f"--set {word}: expected section.key=value (sections: {', '.join(SECTIONS)})"
            )
        if section not in SECTIONS:
            raise CvitBenchError(f"--set {word}: {unknown_name('section', section, SECTIONS)}")
        parsed.setdefault(section, {})[key] = _value(value)
    return parsed


def _value(text: str) -> Any:
    try:
        return float(text) if "e" in text.lower() else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return text
