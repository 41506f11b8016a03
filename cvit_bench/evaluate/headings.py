"""What stands at the head of results, and of each of their columns, whatever the scores come from."""

from typing import Any

from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.records.results import TaskInfo


def head(inputs: RunInputs) -> dict[str, Any]:
    """Return the fields of results that manifest and suite give."""
    manifest = inputs.manifest
    return {
        "run": manifest.run,
        "suite": inputs.suite.name,
        "suite_version": inputs.suite.version,
        "method": manifest.method,
        "title": manifest.title or manifest.method,
        "schedule": manifest.schedule,
        "seeds": () if manifest.seed is None else (manifest.seed,),
        "task_identity": manifest.task_identity,
        "templates": manifest.templates,
    }


def task_info(inputs: RunInputs, name: str) -> TaskInfo:
    """Return what a suite says of a task, without its number of samples and how K was measured."""
    task = inputs.task(name)
    return TaskInfo(
        name=name,
        title=task.title,
        scorer=task.scorer,
        answer_form=task.answer_form.value,
        unseen=name in inputs.suite.unseen,
    )
