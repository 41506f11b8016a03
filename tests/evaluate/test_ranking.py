"""Rankings of a scripted run: made once, kept beside the answers, and what K becomes of them."""

import json

import pyarrow.parquet as pq
import pytest

from cvit_bench.errors import IncompleteRunError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate, outstanding, prepare
from cvit_bench.models.family import Placement
from cvit_bench.records.prediction import read_predictions

STAGE = "03-count"
FRUIT = ("apple", "pear", "plum", "fig")


def options(toy, **changes):
    return EvaluateOptions(data_root=toy.data, placement=Placement(), **changes)


def knowing(toy, stage=STAGE, task="fruit", names=FRUIT, guesses=()):
    """Have a stage hold these answers likeliest, sample by sample, and some of them without seeing."""
    script = json.loads(toy.script(stage).read_text())
    knows = {f"{task}/{task}-test-{at}": name for at, name in enumerate(names) if name}
    guessed = {f"{task}/{task}-test-{at}": name for at, name in enumerate(guesses) if name}
    toy.edit_script(
        stage,
        knows={**script.get("knows", {}), **knows},
        guesses={**script.get("guesses", {}), **guessed},
    )


def cell(results, matrix, stage=3, task="fruit"):
    column = [one.name for one in results.tasks].index(task)
    return getattr(results.matrices, matrix)[stage][column]


def lacking(toy, ranking=True):
    inputs, _, stages, plan = prepare(toy.run_dir, options(toy))
    work = outstanding(inputs, stages, plan, "float32", ranking)
    return sum(one.num_missing for one in work), sum(one.num_unranked for one in work)


def predictions(toy, task="fruit", stage=STAGE):
    return toy.run_dir / "predictions" / stage / task / "v0.jsonl"


def without_rankings(toy):
    """Leave predictions as they were before rankings were kept in them."""
    for path in (toy.run_dir / "predictions").rglob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            del row["ranking"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for path in (toy.run_dir / "predictions").rglob("blank.json"):
        path.unlink()


def test_each_task_says_how_its_k_was_measured(toy):
    results = evaluate(toy.run_dir, options(toy))
    assert [task.knowledge for task in results.tasks] == ["ranked", "ranked", "lenient", "ranked"]


def test_k_is_what_is_ranked_first_corrected_for_chance(toy):
    """fruit at the last stage: S = 1/4; of three wrong ones two are known, four classes: c = 1/4.

    G = 3/4 · (2/3 − 1/4) / (3/4) = 5/12.
    """
    knowing(toy, names=("apple", "pear", "plum", "pear"))
    results = evaluate(toy.run_dir, options(toy))
    assert cell(results, "S") == 25
    assert cell(results, "K") == pytest.approx(25 + 500 / 12, abs=1e-5)
    assert cell(results, "L") == 25
    own = next(one for one in results.cells if (one.stage, one.task) == (3, "fruit"))
    assert own.knowledge.value == pytest.approx(cell(results, "K"), abs=1e-5)
    assert own.knowledge.ci_low <= own.knowledge.value <= own.knowledge.ci_high
    assert own.lenient.value == 25


def test_what_is_guessed_without_a_picture_is_chance(toy):
    """As above, but one of the three is right with a blank picture too: c = 1/3, G = 3/4 · (1/3) / (2/3)."""
    knowing(toy, names=("apple", "pear", "plum", "pear"), guesses=("", "pear", "", ""))
    results = evaluate(toy.run_dir, options(toy))
    assert cell(results, "K") == pytest.approx(25 + 37.5, abs=1e-5)


@pytest.mark.parametrize(
    ("names", "known"),
    [("A B A B", 100), ("left right left right", 100), ("A B left right", 50)],
    ids=["letters", "words", "mixed"],
)
def test_options_are_ranked_by_letter_and_by_words_and_the_better_way_counts(toy, names, known):
    """pick at stage 1: S = 1/4. Mixed: by letter 1 of 3, below chance; by words 2: 3/4 · (1/6) / (1/2)."""
    knowing(toy, "01-fruit", "pick", names.split())
    results = evaluate(toy.run_dir, options(toy))
    assert (cell(results, "S", 1, "pick"), cell(results, "K", 1, "pick")) == (25, known)
    own = next(one for one in results.cells if (one.stage, one.task) == (1, "pick"))
    assert own.knowledge.value == pytest.approx(known, abs=1e-5)


def test_answers_stay_when_rankings_are_missing(toy):
    evaluate(toy.run_dir, options(toy, ranking=False))
    assert lacking(toy) == (0, 3 * 4 * 4 + 3 * 4 * 4)
    assert lacking(toy, ranking=False) == (0, 0)
    before = {p.id: p for p in read_predictions(predictions(toy)).predictions}
    evaluate(toy.run_dir, options(toy))
    after = read_predictions(predictions(toy)).predictions
    assert len(after) == len(before)
    assert all(one.model_copy(update={"ranking": None}) == before[one.id] for one in after)
    assert all(one.ranking is not None for one in after)
    assert lacking(toy) == (0, 0)


def test_scoring_again_needs_the_predictions_alone(toy):
    knowing(toy)
    evaluate(toy.run_dir, options(toy))
    results = toy.run_dir / "results.json"
    before = results.read_bytes()
    results.unlink()
    rescore(toy.run_dir, toy.data)
    assert results.read_bytes() == before


def test_predictions_of_before_score_leniently_and_say_so(toy):
    knowing(toy)
    evaluate(toy.run_dir, options(toy))
    without_rankings(toy)
    results = rescore(toy.run_dir, toy.data)
    none = "lenient (no likelihoods)"
    assert [task.knowledge for task in results.tasks] == [none, none, "lenient", none]
    assert results.matrices.K == results.matrices.L
    assert lacking(toy)[0] == 0


@pytest.mark.parametrize("fault", ["blank-missing", "blank-damaged", "one-missing"])
def test_a_task_with_a_hole_is_lenient_at_all_stages_until_it_is_filled(toy, fault):
    knowing(toy)
    whole = evaluate(toy.run_dir, options(toy))
    blank = predictions(toy).with_name("blank.json")
    if fault == "blank-missing":
        blank.unlink()
    elif fault == "blank-damaged":
        blank.write_text("{")
    else:
        rows = [json.loads(line) for line in predictions(toy).read_text().splitlines()]
        rows[2]["ranking"] = None
        predictions(toy).write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = rescore(toy.run_dir, toy.data)
    assert [task.knowledge for task in results.tasks][:2] == ["lenient (no likelihoods)", "ranked"]
    assert [row[0] for row in results.matrices.K] == [row[0] for row in results.matrices.L]
    assert evaluate(toy.run_dir, options(toy)) == whole


def test_other_allowed_answers_are_ranked_anew(toy):
    evaluate(toy.run_dir, options(toy))
    toy.edit("tasks/fruit.yaml", classes=[*FRUIT, "melon"])
    results = rescore(toy.run_dir, toy.data)
    assert results.tasks[0].knowledge == "lenient (no likelihoods)"
    assert lacking(toy) == (0, 4 * 4 + 4 * 4)
    assert evaluate(toy.run_dir, options(toy)).tasks[0].knowledge == "ranked"


def test_a_failing_prompt_costs_only_itself(toy):
    toy.edit_script(STAGE, fails=["fruit/fruit-test-1"])
    with pytest.raises(IncompleteRunError, match="could not be answered or ranked"):
        evaluate(toy.run_dir, options(toy))
    found = read_predictions(predictions(toy)).predictions
    assert [one.id for one in found if one.ranking is None] == ["fruit-test-1"]


def test_form_changes_are_not_ranked(toy):
    path = toy.root / "instruction_templates" / "fruit.yaml"
    extra = {"id": "f0", "split": "heldout", "text": "{{ question }} In brackets.",
             "asks": {"answer_form": "class_name", "brackets": True}}  # fmt: skip
    variants = [
        {"id": "v0", "split": "train", "text": "{{ question }}\nAnswer shortly."},
        extra,
    ]
    toy.edit(str(path.relative_to(toy.root)), variants=variants)
    results = evaluate(toy.run_dir, options(toy, variants=None))
    changed = read_predictions(predictions(toy).with_name("f0.jsonl")).predictions
    assert all(one.ranking is None for one in changed)
    assert results.tasks[0].knowledge == "ranked"


def test_the_score_file_tells_what_was_ranked_first(toy):
    knowing(toy, names=("apple", "pear", "plum", "pear"))
    evaluate(toy.run_dir, options(toy))
    table = pq.read_table(toy.run_dir / "scores" / STAGE / "fruit.parquet")
    assert table["ranked_first"].to_pylist() == [1, 1, 1, 0]
    count = pq.read_table(toy.run_dir / "scores" / STAGE / "count.parquet")
    assert count["ranked_first"].to_pylist() == [None] * 4


def test_the_blank_picture_is_asked_once_for_what_is_the_same(toy):
    """All questions of a task alike: one ranking, whatever the number of pictures."""
    for path in (toy.data / "fruit").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps({**row, "question": "What is it?"}) + "\n" for row in rows))
    evaluate(toy.run_dir, options(toy))
    kept = json.loads(predictions(toy).with_name("blank.json").read_text())
    assert len(kept["rankings"]) == 1


def test_samples_without_a_picture_have_the_chance_of_their_answers(toy):
    for path in (toy.data / "fruit").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            del row["image"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    knowing(toy, names=("apple", "pear", "plum", "pear"))
    results = evaluate(toy.run_dir, options(toy))
    assert cell(results, "K") == pytest.approx(25 + 500 / 12, abs=1e-5)


@pytest.mark.parametrize(("likelihood", "first"), [("normalised", "apple"), ("plain", "fig")])
def test_a_task_says_which_likelihood_ranks(toy, likelihood, first):
    """An answer of four tokens is likelier a token, one of a single token as a whole."""
    evaluate(toy.run_dir, options(toy))
    inputs = prepare(toy.run_dir, options(toy))[0]
    rows = [json.loads(line) for line in predictions(toy).read_text().splitlines()]
    for row in rows:
        names = [spellings[0] for spellings in inputs.allowed("fruit")[row["id"]]]
        given = {"apple": (-4.0, 4), "fig": (-3.0, 1)}
        pairs = [given.get(name, (-90.0, 3)) for name in names]
        row["ranking"] |= {"plain": [plain for plain, _ in pairs], "tokens": [num for _, num in pairs]}
    predictions(toy).write_text("".join(json.dumps(row) + "\n" for row in rows))
    toy.edit("tasks/fruit.yaml", likelihood=likelihood)
    rescore(toy.run_dir, toy.data)
    table = pq.read_table(toy.run_dir / "scores" / STAGE / "fruit.parquet")
    assert table["ranked_first"].to_pylist() == [float(name == first) for name in FRUIT]
