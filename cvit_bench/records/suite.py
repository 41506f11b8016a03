"""A suite: ordered train tasks, unseen tasks and a template setting (`tasks/suites/<name>.yaml`)."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name
from cvit_bench.records.task import PromptSource, Task
from cvit_bench.records.training import TrainingBudget
from cvit_bench.text import known

TemplateSetting = Literal["single", "multi"]


class Suite(FileRecord):
    """What `tasks/suites/<name>.yaml` holds.

    `training` is the budget every method gets on it, `adapter` the size that every method's adapter gets in
    place of its paper's; `few_shot` says after how many samples a class an
    unseen task is asked again, once the last train task is learned.

    `prompts` and `instructions` replace what its tasks say about them; with `released_pictures` test pictures
    are prepared as in the published evaluation.
    """

    name: Name
    version: int = Field(ge=1)
    title: str
    description: str
    train: tuple[Name, ...] = Field(min_length=1)
    unseen: tuple[Name, ...] = ()
    templates: TemplateSetting = "single"
    prompts: PromptSource | None = None
    instructions: Name | None = None
    released_pictures: bool = False
    few_shot: dict[Name, tuple[Annotated[int, Field(ge=1)], ...]] = {}
    base: str
    training: TrainingBudget = TrainingBudget()
    adapter: dict[str, Any] = {}

    @model_validator(mode="after")
    def _tasks_once(self) -> Self:
        names = self.tasks
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"train, unseen: a task stands twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _few_shot_unseen(self) -> Self:
        for name, shots in self.few_shot.items():
            if name not in self.unseen:
                raise ValueError(f"few_shot: {name!r} is no unseen task (known: {known(self.unseen)})")
            if not shots or list(shots) != sorted(set(shots)):
                raise ValueError(f"few_shot: {name}: sample counts must rise, without repeats: {list(shots)}")
        return self

    def shortened(self, num: int | None) -> Self:
        """Return the suite with its first train tasks only, and none unseen; None leaves it whole."""
        if num is None:
            return self
        return self.model_copy(update={"train": self.train[:num], "unseen": (), "few_shot": {}})

    def set_up(self, task: Task) -> Task:
        """Return a task as this suite asks it."""
        changes: dict[str, Any] = {}
        if self.prompts is not None:
            changes["prompts"] = self.prompts
        if self.instructions is not None and task.instructions is not None:
            changes["instructions"] = self.instructions
        if self.released_pictures and task.released_picture is not None:
            test = task.splits["test"].model_copy(update={"picture": task.released_picture})
            changes["splits"] = {**task.splits, "test": test}
        return task.model_copy(update=changes)

    @property
    def tasks(self) -> tuple[str, ...]:
        """All tasks: train tasks in their order, then unseen ones."""
        return (*self.train, *self.unseen)
