"""Forgetting that was planted in a scripted run is found again: of seeing, of obeying, of both."""

import json
import random
from io import BytesIO

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate

NAMES = ("ant", "bee", "cat", "dog", "eel")
TASKS = ("sight", "duty", "both", "last")
LOST = {"sight": (0.5, 0.0), "duty": (0.0, 0.5), "both": (0.3, 0.3), "last": (0.0, 0.0)}
"""Share of samples that the later stages cost each task: seen no more, said no more as asked."""
SAMPLES, SEEDS = 80, (0, 1, 2)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"schema_version": 1, **content}, sort_keys=False))


def picture(number):
    stream = BytesIO()
    Image.new("RGB", (4, 4), (number % 256, number // 256, 9)).save(stream, "PNG")
    return stream.getvalue()


def write_task(root, number, task):
    about = {"title": task, "description": "planted", "licence": "CC0-1.0", "citation": "none"}
    form = {"answer_form": "class_name", "scorer": "exact", "template": "name", "reader": "jsonl"}
    splits = {"test": {"file": f"{task}/test.jsonl"}}
    answers = {"splits": splits, "classes": list(NAMES), "form": {"max_words": 1}}
    write(root / "tasks" / f"{task}.yaml", {"name": task, **about, **form, **answers})
    folder = root / "data" / task
    folder.mkdir(parents=True)
    rows = []
    for at in range(SAMPLES):
        (folder / f"{at}.png").write_bytes(picture(SAMPLES * number + at))
        row = {"id": f"{task}{at}", "image": f"{at}.png", "question": f"Who? {at}"}
        rows.append({**row, "answers": [NAMES[at % len(NAMES)]]})
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def script(draw, own):
    """Return what a stage says and knows: its own task is whole, samples of others are lost as planted."""
    answers, knows, guesses = {}, {}, {}
    for task in TASKS:
        unseen, unsaid = (0.0, 0.0) if task == own else LOST[task]
        for at in range(SAMPLES):
            name, right, chance = f"{task}/{task}{at}", NAMES[at % len(NAMES)], draw.random()
            guesses[name] = draw.choice(NAMES)
            if chance < unseen:
                knows[name] = draw.choice(NAMES)
                answers[name] = draw.choice([other for other in NAMES if other != right])
            else:
                knows[name] = right
                answers[name] = "I would rather not say" if chance < unseen + unsaid else right
    return {"schema_version": 1, "answers": answers, "knows": knows, "guesses": guesses}


def planted(root, seed):
    """Write a suite and a run of it; at stages other than its own each task lacks what LOST says."""
    for number, task in enumerate(TASKS):
        write_task(root, number, task)
    variant = {"id": "v0", "split": "train", "text": "{{ question }}"}
    write(root / "instruction_templates" / "name.yaml",
          {"name": "name", "answer_form": "class_name", "variants": [variant]})  # fmt: skip
    suite = {"title": "P", "description": "planted", "train": list(TASKS), "base": str(root / "base")}
    write(root / "tasks" / "suites" / "planted.yaml", {"name": "planted", "version": 1, **suite})
    draw, run_dir = random.Random(seed), root / "run"
    stages = [{"name": f"0{at}-{task}", "tasks": [task], "checkpoint": f"0{at}-{task}"}
              for at, task in enumerate(TASKS, start=1)]  # fmt: skip
    scripts = {"base": root / "base", **{one["name"]: run_dir / one["name"] for one in stages}}
    for own, folder in zip((None, *TASKS), scripts.values(), strict=True):
        folder.mkdir(parents=True)
        (folder / "scripted.json").write_text(json.dumps(script(draw, own)))
    where = str(root / "tasks" / "suites" / "planted.yaml")
    manifest = {"run": "planted", "suite": where, "method": "scripted"}
    base = {"base": {"path": str(root / "base")}, "stages": stages}
    (run_dir / "manifest.json").write_text(json.dumps({"schema_version": 1, **manifest, **base}))
    return run_dir


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    roots = [tmp_path_factory.mktemp(f"planted{seed}") for seed in SEEDS]
    dirs = [planted(root, seed) for root, seed in zip(roots, SEEDS, strict=True)]
    options = [EvaluateOptions(data_root=root / "data") for root in roots]
    return [(one, evaluate(one, choice)) for one, choice in zip(dirs, options, strict=True)]


def test_what_was_planted_lies_in_the_intervals(runs):
    """Of 95 % intervals some miss: at most 3 of these 18 (with more the odds are below 1 in 100)."""
    missed = []
    for seed, (_, results) in zip(SEEDS, runs, strict=True):
        for split in results.splits:
            if split.task is None or split.stage != len(TASKS):
                continue
            unseen, unsaid = LOST[split.task]
            for truth, found in ((-100 * unseen, split.seeing), (-100 * unsaid, split.obeying)):
                assert abs(found.value - truth) < 20, (seed, split)
                if not found.ci_low <= truth <= found.ci_high:
                    missed.append((seed, split.task, truth, found))
    assert len(missed) <= 3, missed


def test_the_halves_sum_to_the_change_everywhere(runs):
    for _, results in runs:
        values = {metric.id: metric.value for metric in results.metrics}
        assert values["seeing"] + values["obeying"] == pytest.approx(values["bwt_tm1"], abs=1e-5)
        assert values["seeing_later"] + values["obeying_later"] == pytest.approx(
            values["bwt_later"], abs=1e-5
        )
        assert len(results.splits) == (3 + 2 + 1) + 3 + 3
        for split in results.splits:
            total = split.seeing.value + split.obeying.value
            assert total == pytest.approx(split.change.value, abs=1e-5)


def test_a_half_that_was_not_planted_is_not_found(runs):
    for _, results in runs:
        last = {one.task: one for one in results.splits if one.stage == len(TASKS)}
        assert last["sight"].seeing.ci_high < 0
        assert last["sight"].obeying.value == pytest.approx(0, abs=12)
        assert last["duty"].obeying.ci_high < 0
        assert last["duty"].seeing.value == pytest.approx(0, abs=12)


def test_outcomes_count_every_sample(runs):
    for _, results in runs:
        assert len(results.outcomes) == 5 * 4
        for one in results.outcomes:
            assert one.right_kept + one.right_broken + one.wrong_kept + one.wrong_broken == SAMPLES
            strict = results.matrices.S[one.stage][TASKS.index(one.task)]
            assert strict == pytest.approx(100 * one.right_kept / SAMPLES, abs=1e-5)
        duty = next(one for one in results.outcomes if (one.stage, one.task) == (4, "duty"))
        assert duty.wrong_kept == 0
        assert duty.known == duty.wrong_broken


def test_flips_are_what_the_scores_moved_by(runs):
    for run_dir, results in runs:
        for flip in results.flips:
            column = TASKS.index(flip.task)
            before, after = (results.matrices.S[at][column] for at in (flip.stage - 1, flip.stage))
            assert flip.regained - flip.lost == pytest.approx((after - before) * SAMPLES / 100, abs=1e-4)
            assert flip.lost_known <= flip.lost
        rows = pq.read_table(run_dir / "scores" / "flips.parquet").to_pylist()
        assert len(rows) == SAMPLES * len(TASKS)
        scores = pq.read_table(run_dir / "scores" / "04-last" / "sight.parquet").to_pylist()
        right = {row["id"] for row in scores if row["strict"] == 1}
        assert {row["id"] for row in rows if row["task"] == "sight" and row["lost_at"] is None} == right
        assert all(row["still_known"] for row in rows if row["task"] == "duty" and row["lost_at"])
