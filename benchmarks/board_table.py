"""The table of contenders (`mini_leaderboard.yaml`), and the check that all of it is there to be run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench import plugins
from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.load import load_yaml
from cvit_bench.records.method import Method, load_method, method_files
from cvit_bench.text import known, unknown_name
from cvit_bench.train.settings import resolve

TABLE = Path(__file__).with_name("mini_leaderboard.yaml")
Rate = Annotated[float, Field(gt=0)]


class Strength(Record):
    """A setting that a method cannot do without, and the values it is chosen from."""

    key: str
    values: tuple[float, ...]


class Contender(Record):
    """One line of the leaderboard: a method, and what makes it a variant.

    `title` None is the method's own. With `router_seeds` the first training seed is run with several.
    """

    method: str
    title: str | None = None
    settings: dict[str, str | int | float | bool | None] = {}
    hooks: tuple[Name, ...] = ()
    strength: Strength | None = None
    router_seeds: bool = False

    def words(self) -> list[str]:
        """Return the settings as `--set` takes them."""
        return [f"{key}={'null' if value is None else value}" for key, value in self.settings.items()]


class Table(FileRecord):
    """What `mini_leaderboard.yaml` holds; `chosen_on` names for a suite the one that settings come from."""

    chosen_on: dict[Name, Name] = {}
    rates: tuple[Rate, ...] = Field(min_length=1)
    contenders: dict[Name, Contender]

    @model_validator(mode="after")
    def _same_size(self) -> Self:
        for name, contender in self.contenders.items():
            strength = contender.strength
            if strength is not None and len(strength.values) != len(self.rates):
                raise ValueError(
                    f"contenders.{name}.strength.values: {len(strength.values)} values, but rates has "
                    f"{len(self.rates)}: every grid has the same size"
                )
        return self


def load_table(path: Path, names: Sequence[str] | None) -> Table:
    """Read the table and keep the contenders that are named, in that order; None keeps all, in its own."""
    table = load_yaml(path, Table)
    for name in names or ():
        if name not in table.contenders:
            raise CvitBenchError(f"--methods {name}: {unknown_name('contender', name, table.contenders)}")
    chosen = {name: table.contenders[name] for name in names or table.contenders}
    return table.model_copy(update={"contenders": chosen})


def check_installed(contenders: Mapping[str, Contender], suites: Iterable[str]) -> None:
    """Raise unless every method and hook is there and takes its settings on every suite."""
    files = method_files()
    missing = {one.method for one in contenders.values() if one.method not in files}
    lacking = sorted(name for name in missing if not name.endswith(".yaml"))
    if lacking:
        raise CvitBenchError(f"methods that are not installed: {', '.join(lacking)} (known: {known(files)})")
    hooks = plugins.names(plugins.HOOKS)
    lacking = sorted({hook for one in contenders.values() for hook in one.hooks} - set(hooks))
    if lacking:
        raise CvitBenchError(f"hooks that are not installed: {', '.join(lacking)} (known: {known(hooks)})")
    for suite in suites:
        found = open_suite(suite)[1]
        for one in contenders.values():
            strength = [f"{one.strength.key}={one.strength.values[0]}"] if one.strength else []
            resolve(hooked(one), found, [*one.words(), *strength])


def hooked(contender: Contender) -> Method:
    """Return a contender's method with its hooks."""
    method = load_method(contender.method)
    return method.with_hooks(contender.hooks) if contender.hooks else method
