"""Answers joined to what was asked, by id; what is missing, doubled or asked otherwise is named."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cvit_bench.errors import IncompleteRunError
from cvit_bench.records.prediction import Prediction, read_predictions
from cvit_bench.records.sample import Prompt


def joined_answers(path: Path, prompts: Sequence[Prompt]) -> dict[str, Prediction]:
    """Return one answered prediction for each prompt, joined by id; of several the last one.

    Raises IncompleteRunError naming what is damaged, missing, failed, doubled with another answer, or
    was asked in another wording.
    """
    return joined(path, {prompt.sample_id: prompt.text for prompt in prompts})


def joined(path: Path, wordings: Mapping[str, str | None]) -> dict[str, Prediction]:
    """Return the last answered prediction of each id; where its wording is None, any will do."""
    file = read_predictions(path)
    answers: dict[str, Prediction] = {}
    problems = list(file.damaged)
    for prediction in file.predictions:
        if prediction.id in wordings and prediction.text is not None:
            problems += _conflict(path, prediction, wordings, answers)
            answers[prediction.id] = prediction
    lacking = [name for name in wordings if name not in answers]
    if lacking:
        problems.append(f"{path}: {len(lacking)} of {len(wordings)} answers are missing: {_few(lacking)}")
    if problems:
        raise IncompleteRunError("\n".join([*problems, "`cvit-bench evaluate` completes the run"]))
    return answers


def _conflict(
    path: Path, prediction: Prediction, wordings: Mapping[str, str | None], answers: dict[str, Prediction]
) -> list[str]:
    name = prediction.id
    if wordings[name] not in (None, prediction.prompt):
        return [f"{path}: {name}: prompt: was asked in another wording than the template's"]
    if answers.get(name, prediction).text != prediction.text:
        return [f"{path}: {name}: stands twice with different answers"]
    return []


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
