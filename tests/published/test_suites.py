"""Every suite on downloaded data finds, reads and words its miniature: tasks fit what is published."""

import json

import pytest

from cvit_bench import plugins
from cvit_bench.data.library import open_library, open_suite
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.data.split_files import files_of
from cvit_bench.data.suite_data import Looking
from cvit_bench.records.form import AnswerForm
from cvit_bench.train.examples import load_examples

LIBRARY = open_library()
SUITES = sorted(
    name
    for name in LIBRARY.suites
    if any(LIBRARY.task(task).source == "local" for task in LIBRARY.suite(name).tasks)
)
ASKED = sorted({task for name in SUITES for task in LIBRARY.suite(name).tasks})


def test_the_benchmarks_of_the_literature_are_there():
    assert {"cvit", "cvit-multi", "coin", "coin-diverse", "coin-10type", "ucit"} <= set(SUITES)


def test_every_task_on_downloaded_data_is_asked_by_a_suite():
    local = {name for name in LIBRARY.tasks if LIBRARY.task(name).source == "local"}
    assert local <= set(ASKED)


@pytest.mark.parametrize("name", SUITES)
def test_nothing_but_counts_is_found_wrong_with_a_miniature(shared_root, name):
    found = Looking(*open_suite(name), shared_root, images=False).check()
    assert [split for split in found.splits if split.missing] == []
    assert [line for split in found.splits for line in split.findings if "count: " not in line] == []


@pytest.mark.parametrize("name", SUITES)
def test_every_sample_is_worded_by_every_variant(shared_root, name):
    library, suite = open_suite(name)
    for task in map(library.task, suite.tasks):
        template = library.template(task.template)
        samples = load_samples(task, "test", shared_root)
        texts = [build_prompts(task, template, one, samples)[0].text for one in template.variants]
        assert len(set(texts)) == len(texts)
        assert (texts[0] == samples[0].prompt) == (task.prompts == "data")


@pytest.mark.parametrize("name", SUITES)
def test_train_samples_are_worded_as_the_suite_says(shared_root, name):
    library, suite = open_suite(name)
    for task in suite.train:
        examples = load_examples(library, [task], suite.templates, 0, shared_root)
        published = [sample.prompt for sample in load_samples(library.task(task), "train", shared_root)]
        is_published = [example.prompt.text for example in examples] == published
        assert is_published == (library.task(task).prompts == "data")


def _published(path):
    """Return the prompts of a file, read without a reader."""
    rows = json.loads(path.read_text())
    texts = [row["conversations"][0]["value"] if "conversations" in row else row["text"] for row in rows]
    return [text.removeprefix("<image>\n") for text in texts]


@pytest.mark.parametrize(("name", "kinds"), [("coin", 1), ("coin-diverse", 1), ("coin-10type", 3)])
def test_instructions_of_several_types_are_taken_as_they_stand(shared_root, name, kinds):
    library, suite = open_suite(name)
    counted = {
        (split.task, split.split): split.wordings
        for split in Looking(library, suite, shared_root, images=False).check().splits
    }
    for task in map(library.task, suite.train):
        template = library.template(task.template)
        published = _published(files_of(task, "train", shared_root).file)
        learned = load_examples(library, [task.name], suite.templates, 0, shared_root)
        assert [example.prompt.text for example in learned] == published
        asked = load_samples(task, "test", shared_root)
        prompts = build_prompts(task, template, template.variants[0], asked)
        assert [one.text for one in prompts] == _published(files_of(task, "test", shared_root).file)
        is_line = task.answer_form is not AnswerForm.BOX  # what a box is asked of stands in the one line
        assert counted[task.name, "train"] == (kinds if is_line else 0)
        assert counted[task.name, "test"] == (min(kinds, len(asked)) if is_line else 0)
        if is_line:
            last = {text.rpartition("\n")[2] for text in published}
            assert len(last) == kinds
            assert not any(line in sample.question for line in last for sample in asked)


def test_settings_ask_by_instructions_of_their_own(shared_root):
    """The same samples, asked otherwise: Diverse by another instruction a task, 10Type by several."""
    found = {}
    for name in ("coin", "coin-diverse", "coin-10type"):
        library, suite = open_suite(name)
        for task in map(library.task, suite.train):
            prompts = [sample.prompt for sample in load_samples(task, "train", shared_root)]
            found.setdefault(task.name, []).append(tuple(prompts))
    assert all(original != several for original, _, several in found.values())
    assert sum(original != diverse for original, diverse, _ in found.values()) >= 4


@pytest.mark.parametrize("name", ASKED)
def test_references_score_full_marks_by_the_strict_scorer(shared_root, name):
    """But for CIDEr, which is relative to the corpus."""
    task = LIBRARY.task(name)
    samples = load_samples(task, "test", shared_root)
    scorer = plugins.load(plugins.SCORERS, task.scorer)
    scores = scorer.score(task, [(sample, sample.answers[0]) for sample in samples])
    assert all(score.form for score in scores)
    if not scorer.OPEN_ENDED:
        assert [score.strict for score in scores] == [1.0] * len(samples)


@pytest.mark.parametrize("name", ASKED)
def test_the_released_scorer_takes_the_samples(shared_root, name):
    task = LIBRARY.task(name)
    if task.released_scorer is None:
        return
    samples = load_samples(task, "test", shared_root)
    module = plugins.load(plugins.RELEASED, task.released_scorer)
    assert len(module.score(task, [(sample, sample.answers[0]) for sample in samples])) == len(samples)


def test_padding_is_what_a_task_asks_for_and_the_released_crop_an_option(shared_root):
    library, suite = open_suite("coin")
    released = suite.model_copy(update={"released_pictures": True})
    for name in suite.tasks:
        task = library.task(name)
        shown = {load_samples(one, "test", shared_root)[0].picture for one in (task, released.set_up(task))}
        fits = {picture.fit for picture in shown if picture is not None}
        assert fits == ({"pad", "model"} if task.released_picture else {"pad"})
