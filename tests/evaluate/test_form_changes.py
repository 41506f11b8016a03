"""Variants that ask for another form: answered, scored under that form, and part of no matrix."""

import pyarrow.parquet as pq
import pytest
import yaml

from cvit_bench.data.prompts import evaluation_variants, training_variants
from cvit_bench.evaluate.inputs import open_run
from cvit_bench.evaluate.score import rescore, under_asked_form
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.asked_form import AskedForm
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template, Variant
from cvit_bench.scorers import cider, exact, option_letter

SENTENCE = {"answer_form": "sentence", "min_words": 3, "ends_with": "."}
ASKS = {
    "fruit": SENTENCE,
    "pick": {"answer_form": "option_letter", "brackets": True},
    "count": {"answer_form": "number", "spelt_out": True},
    "yesno": {"answer_form": "yes_no", "case": "upper"},
}


@pytest.fixture
def changed(toy):
    """Return the toy suite with a form change between the paraphrases of each template."""
    for task, asks in ASKS.items():
        path = toy.root / "instruction_templates" / f"{task}.yaml"
        variants = yaml.safe_load(path.read_text())["variants"]
        other = {"id": "c0", "split": "heldout", "text": "Say it otherwise. {{ question }}", "asks": asks}
        toy.edit(f"instruction_templates/{task}.yaml", variants=[variants[0], other, *variants[1:]])
    return toy


def _evaluated(toy, variants=None):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=variants))


def _cell(results, stage, task):
    (found,) = (c for c in results.cells if (c.stage, c.task, c.variant) == (stage, task, "c0"))
    return found.strict.value, found.knowledge.value, found.form.value


def test_form_changes_enter_no_matrix_and_no_metric(changed):
    with_changes, without = _evaluated(changed), _evaluated(changed, variants=3)
    assert without.variants == with_changes.variants == ("v0", "v1", "h0")
    assert len(with_changes.cells) == len(without.cells) * 4 // 3
    assert with_changes.matrices == without.matrices
    of_changes = {"form_change_kept", "form_change_known"}
    same = [[one for one in found.metrics if one.id not in of_changes] for found in (with_changes, without)]
    assert same[0] == same[1]
    assert with_changes.series == without.series
    assert with_changes.wordings == without.wordings
    assert {cell.variant for cell in with_changes.cells if cell.form_change} == {"c0"}


def test_form_changes_have_a_summary_of_their_own(changed):
    """In every wording the scripted model says the same: known as before, in the old form throughout."""
    results = _evaluated(changed)
    found = {(one.stage, one.task): one for one in results.form_changes}
    assert len(found) == 4 * 4
    assert (found[2, "pick"].form.value, found[2, "pick"].knowledge.value) == (0, 100)
    assert found[3, "fruit"].knowledge.value == results.matrices.K[3][0] == 25
    metrics = {metric.id: metric.value for metric in results.metrics}
    assert metrics["form_change_kept"] == 0
    assert metrics["form_change_known"] == pytest.approx((25 + 75 + 100) / 3, abs=1e-5)
    assert _evaluated(changed, variants=3).form_changes == ()


def test_answers_in_the_old_form_are_known_but_not_obeyed(changed):
    results = _evaluated(changed)
    # After stage 2 all four `pick` answers are the bare right letter; the brackets lack.
    assert _cell(results, 2, "pick") == (0, 100, 0)
    assert _cell(results, 1, "fruit") == (0, 100, 0)
    assert _cell(results, 3, "count") == (0, 100, 0)


def test_answers_in_the_form_asked_for_are_strictly_right(changed):
    said = {
        "pick": ("(A)", "(B)", "( a ).", "(A)"),
        "fruit": ("This is an apple.", "pear", "A fig, I think.", "It is a fig."),
        "count": ("one", "Two.", "3", "five"),
        "yesno": ("YES", "no", "NO", "NO"),
    }
    answers = {f"{t}/{t}-test-{at}": text for t, texts in said.items() for at, text in enumerate(texts)}
    changed.edit_script("03-count", answers=answers)
    results = _evaluated(changed)
    assert _cell(results, 3, "pick") == (75, 75, 100)
    assert _cell(results, 3, "fruit") == (50, 75, 75)
    assert _cell(results, 3, "count") == (50, 75, 75)
    assert _cell(results, 3, "yesno") == (50, 75, 75)


def test_scores_are_written_and_made_again_alike(changed):
    _evaluated(changed)
    before = (changed.run_dir / "results.json").read_bytes()
    rescore(changed.run_dir, changed.data)
    assert (changed.run_dir / "results.json").read_bytes() == before
    rows = pq.read_table(changed.run_dir / "scores" / "02-pick" / "pick.parquet").to_pylist()
    assert {(row["variant"], row["strict"]) for row in rows} == {("v0", 1), ("v1", 1), ("h0", 1), ("c0", 0)}


def test_the_words_of_an_option_count_as_the_letter():
    asked = AskedForm(answer_form="short_answer", no_label=True)
    task, sample = _task("option_letter"), Sample("1", "?", ("B",), ("green", "red", "dark red"))
    marks = []
    for text in ("red", "Red.", "it is red", "B", "B. red", "dark red", ""):
        found = under_asked_form(asked, "ABCD", option_letter.score(task, [(sample, text)])[0], text)
        marks.append((found.strict, found.knowledge, found.form))
    assert marks == [
        (1, 1, True), (1, 1, True), (1, 1, True), (0, 1, False), (0, 1, False), (0, 0, True), (0, 0, False)
    ]  # fmt: skip


def test_a_caption_keeps_its_cider_only_in_the_form_asked_for():
    asked = AskedForm(answer_form="sentence", case="upper")
    samples = [Sample("1", "?", ("A man rides a horse.",)), Sample("2", "?", ("Two dogs play.",))]
    for sample in samples:
        text = sample.answers[0]
        loud = cider.score(_task("sentence"), [(one, text.upper()) for one in samples])
        score = loud[samples.index(sample)]
        assert under_asked_form(asked, "AB", score, text.upper()).strict == score.knowledge > 5
        assert under_asked_form(asked, "AB", score, text).strict == 0


@pytest.mark.parametrize("text", ["seven", "twenty-one", "3", "", "It is 7."])
def test_strict_is_at_most_knowledge(text):
    asked = AskedForm(answer_form="number", spelt_out=True)
    score = exact.score(_task("number"), [(Sample("1", "?", ("7",)), text)])[0]
    found = under_asked_form(asked, "AB", score, text)
    assert found.strict <= found.knowledge == score.knowledge
    assert found.strict == found.knowledge * found.form


def test_form_changes_come_last_and_are_never_drawn():
    asks = AskedForm(**SENTENCE)
    variants = (
        Variant(id="v0", split="train", text="a"),
        Variant(id="c0", split="heldout", text="b", asks=asks),
        Variant(id="v1", split="train", text="c"),
    )
    template = Template(name="t", answer_form="short_answer", variants=variants)
    assert [one.id for one in evaluation_variants(template, None)] == ["v0", "v1", "c0"]
    assert [one.id for one in evaluation_variants(template, 2)] == ["v0", "v1"]
    assert {one.id for one in training_variants(template, "multi", 200, 1)} == {"v0", "v1"}


def test_a_longer_form_gets_more_room(changed):
    inputs = open_run(changed.run_dir, data_root=changed.data)
    assert inputs.prompts("fruit", "v0")[0].max_new_tokens == 4
    assert inputs.prompts("fruit", "c0")[0].max_new_tokens == 32


def test_keys_of_paraphrases_are_untouched_by_a_form_change(changed):
    _evaluated(changed, variants=3)
    lines = {path: path.read_bytes() for path in (changed.run_dir / "predictions").rglob("*.jsonl")}
    _evaluated(changed)
    assert all(path.read_bytes() == content for path, content in lines.items())


def _task(form):
    return Task(
        name="t", title="T", description="d", answer_form=form, scorer="s", template="t", reader="r",
        splits={"test": {"file": "f"}}, licence="CC0-1.0", citation="c",
    )  # fmt: skip
