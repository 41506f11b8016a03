"""A recipe: the settings of a published protocol for every method (`train/recipes/<name>.yaml`)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.load import load_yaml, yaml_line
from cvit_bench.records.method import Method
from cvit_bench.records.training import TrainingBudget
from cvit_bench.resources import PACKAGE, files_by_name
from cvit_bench.text import unknown_name


class MethodSettings(Record):
    """What a recipe changes for one method."""

    adapter: dict[str, Any] = {}
    training: TrainingBudget = TrainingBudget()


class PublishedRecipe(FileRecord):
    """What a recipe file holds; keys that it leaves out stay as suite and method have them.

    Attributes:
        source: the paper or code that the settings are from.
        base: folder or hub id of the base model, taken where none is given.
        shapes: file beside the recipe with the base's configuration, for plans without the base at hand.
        departures: where the published code departs from what is stated, or these settings from it.
        training, adapter: settings of every method.
        methods: what single methods change of them.
    """

    name: Name
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    source: str = Field(min_length=1)
    base: str = Field(min_length=1)
    shapes: str | None = None
    departures: tuple[str, ...] = ()
    training: TrainingBudget = TrainingBudget()
    adapter: dict[str, Any] = {}
    methods: dict[Name, MethodSettings] = {}


@dataclass(frozen=True)
class ChosenRecipe:
    """The settings that a recipe has for one method.

    Attributes:
        name: as it stands in the file; None: no recipe was asked for.
        where: how messages name it.
        shapes: file of the base's configuration, None where there is none.
    """

    name: str | None = None
    where: str = ""
    adapter: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    base: str | None = None
    shapes: Path | None = None
    departures: tuple[str, ...] = ()


def recipe_files() -> dict[str, Path]:
    """Return the recipes that serve every method, by name."""
    return files_by_name([PACKAGE / "train" / "recipes"], ".yaml")


def load_recipe(path: Path) -> PublishedRecipe:
    """Read a recipe file; its name must be the file's."""
    recipe = load_yaml(path, PublishedRecipe)
    if recipe.name != path.stem:
        where = f"{path}:{yaml_line(path, ('name',))}: name"
        raise CvitBenchError(f"{where}: must be the file's name {path.stem!r} (got {recipe.name!r})")
    return recipe


def find_recipe(method: Method, spec: str | None) -> ChosenRecipe:
    """Return the recipe `spec` for a method: one of its own, else one for every method, or a yaml file's."""
    if spec is None:
        return ChosenRecipe()
    if spec in method.recipes:
        own, where = method.recipes[spec], f"method {method.name!r}: recipes.{spec}"
        return ChosenRecipe(spec, where, own.adapter, own.training)
    files = recipe_files()
    if not spec.endswith(".yaml") and spec not in files:
        known = [*method.recipes, *files]
        raise CvitBenchError(f"method {method.name!r}: {unknown_name('recipe', spec, known)}")
    return settings_for(method, files[spec] if spec in files else Path(spec))


def settings_for(method: Method, path: Path) -> ChosenRecipe:
    """Return what a recipe file has for a method: its settings for every method, then those for this one."""
    recipe = load_recipe(path)
    own = recipe.methods.get(method.name, MethodSettings())
    given = [part.training.model_dump(exclude_unset=True) for part in (recipe, own)]
    return ChosenRecipe(
        name=recipe.name,
        where=f"{path}: for method {method.name!r}",
        adapter={**recipe.adapter, **own.adapter},
        training={**given[0], **given[1]},
        base=recipe.base,
        shapes=path.parent / recipe.shapes if recipe.shapes else None,
        departures=recipe.departures,
    )
