"""What every shipped yaml owes: a file in one of the data folders is tested the day it appears."""

import itertools
import re
from pathlib import Path

import pytest

from cvit_bench import plugins
from cvit_bench.data.library import open_library
from cvit_bench.data.prompts import render, variant_problems
from cvit_bench.data.samples import load_samples
from cvit_bench.data.split_files import files_of
from cvit_bench.models.folders import base_folder
from cvit_bench.records.asked_form import asked_form_kept
from cvit_bench.records.form import AnswerForm, FormLimits, form_kept
from cvit_bench.records.manifest import BaseModelRef
from cvit_bench.records.method import load_method, method_files
from cvit_bench.records.sample import Sample
from cvit_bench.resources import shipped_folder
from cvit_bench.text import one_space

LIBRARY = open_library()
SAMPLES = {
    "no choices": Sample("a", "What is in the picture?", ("cat",)),
    "two choices": Sample("b", "Which one?", ("A",), ("a red cat", "a blue dog")),
    "eight choices": Sample("c", "Which one?", ("H",), tuple(f"option number {n}" for n in range(8))),
    "template marks": Sample("d", "{{ 1 }} {% x %} <b>&amp;</b>", ("x",), ("{{ 2 }}", "50 % & more")),
    "other scripts": Sample("e", "Was ist grün? 猫は？", ("猫",), ("Käse", "猫")),
}
USUAL = {
    AnswerForm.OPTION_LETTER: "B",
    AnswerForm.SHORT_ANSWER: "red",
    AnswerForm.CLASS_NAME: "polar bear",
    AnswerForm.YES_NO: "yes",
    AnswerForm.NUMBER: "4",
    AnswerForm.SENTENCE: "A dog sleeps on the grass.",
    AnswerForm.BOX: "[0.12, 0.40, 0.55, 0.91]",
}


def names(files):
    return sorted(files)


def test_every_folder_of_data_is_looked_at():
    assert names(LIBRARY.tasks)
    assert names(LIBRARY.suites)
    assert names(LIBRARY.templates)
    assert names(method_files())
    for folder in (shipped_folder("tasks"), shipped_folder("instruction_templates")):
        assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".yaml"}


@pytest.mark.parametrize("name", names(LIBRARY.tasks))
def test_a_task_names_only_what_there_is(name):
    task = LIBRARY.task(name)
    plugins.check(plugins.SCORERS, task.scorer)
    plugins.check(plugins.READERS, task.reader)
    assert LIBRARY.template(task.template).answer_form is task.answer_form


@pytest.mark.parametrize("name", names(LIBRARY.tasks))
def test_a_task_says_what_it_is_and_whose(name):
    task = LIBRARY.task(name)
    for text in (task.title, task.description, task.licence, task.citation):
        assert text.strip() == text != ""
    if task.source == "embedded":
        assert all(split.count and split.sha256 for split in task.splits.values())
    else:
        assert task.known.endswith("."), "known: a sentence on the data that do not come with the package"
        assert task.downloads, "downloads: where others get the data, and the folder that they go to"


@pytest.mark.parametrize("name", names(LIBRARY.tasks))
def test_what_a_task_needs_from_elsewhere_is_named_and_goes_where_its_files_are(name):
    task = LIBRARY.task(name)
    for split in task.splits.values():
        plugins.check(plugins.READERS, split.reader or task.reader)
        if split.references:
            plugins.check(plugins.READERS, split.references.reader)
    if task.source == "embedded":
        return
    named = [place for split in task.splits for _, place in files_of(task, split, Path()).named()]
    goals = [Path(download.placed(task.instructions).to) for download in task.downloads]
    for place in named:
        assert any(place.is_relative_to(goal) for goal in goals), f"downloads: nothing goes to {place}"


@pytest.mark.parametrize("name", names(LIBRARY.tasks))
def test_the_classes_of_a_task_keep_its_form_and_fit_its_budget(name):
    task = LIBRARY.task(name)
    for one in task.classes:
        assert form_kept(task.answer_form, task.form, one), one
        assert len(one.split()) <= task.max_new_tokens


@pytest.mark.parametrize("name", names(LIBRARY.tasks))
def test_splits_that_are_at_hand_load_and_are_worded_by_every_variant(name):
    task = LIBRARY.task(name)
    if task.source != "embedded":
        pytest.skip("its data is not part of the package")
    for split in task.splits:
        samples = load_samples(task, split)
        assert len(samples) == task.splits[split].count
        for variant in LIBRARY.template(task.template).variants:
            for sample in samples[:20]:
                text = render(task.template, variant, sample)
                assert sample.question in text
                assert all(choice in text for choice in sample.choices)


@pytest.mark.parametrize("name", names(LIBRARY.suites))
def test_a_suite_names_only_what_there_is(name):
    suite = LIBRARY.suite(name)
    for task in suite.tasks:
        assert "test" in LIBRARY.task(task).splits
    for task in suite.train:
        assert "train" in LIBRARY.task(task).splits
    if suite.base.startswith("embedded:"):
        assert base_folder(BaseModelRef(path=suite.base)).name == "base"


@pytest.mark.parametrize("name", names(LIBRARY.templates))
def test_a_template_has_enough_variants_of_both_splits(name):
    template = LIBRARY.template(name)
    assert len(template.variants_of("train")) >= 5
    assert len(template.variants_of("heldout")) >= 3
    assert len(template.paraphrases) >= 8


def test_every_answer_form_has_a_template():
    assert {LIBRARY.template(name).answer_form for name in LIBRARY.templates} == set(AnswerForm)


def test_several_templates_ask_for_another_form():
    changing = [name for name in LIBRARY.templates if LIBRARY.template(name).form_changes]
    assert len(changing) >= 3


@pytest.mark.parametrize("name", names(LIBRARY.templates))
def test_form_changes_stand_last_and_each_asks_for_another_form(name):
    template = LIBRARY.template(name)
    assert template.variants == (*template.paraphrases, *template.form_changes)
    asked = [variant.asks for variant in template.form_changes]
    assert all(asked.count(one) == 1 for one in asked)


@pytest.mark.parametrize("name", names(LIBRARY.templates))
def test_the_usual_answers_break_every_form_that_a_form_change_asks_for(name):
    template = LIBRARY.template(name)
    usual = USUAL[template.answer_form]
    assert form_kept(template.answer_form, FormLimits(), usual)
    for variant in template.form_changes:
        assert not asked_form_kept(variant.asks, "ABCDE", usual), variant.id


@pytest.mark.parametrize("name", names(LIBRARY.templates))
@pytest.mark.parametrize("kind", SAMPLES)
def test_every_variant_words_every_kind_of_sample(name, kind):
    sample = SAMPLES[kind]
    for variant in LIBRARY.template(name).variants:
        assert variant_problems(variant) == []
        text = render(name, variant, sample)
        assert sample.question in text, variant.id
        assert text == text.strip()
        assert len(text) > len(sample.question) + 10, variant.id


@pytest.mark.parametrize("name", names(LIBRARY.templates))
def test_no_two_variants_say_the_same(name):
    for one, other in itertools.combinations(LIBRARY.template(name).variants, 2):
        for sample in SAMPLES.values():
            worded = [bare_letters(render(name, variant, sample)) for variant in (one, other)]
            assert worded[0] != worded[1], (one.id, other.id)


def bare_letters(text):
    """Return the words of a text: case, white space and punctuation make no other wording."""
    return one_space(re.sub(r"[\W_]+", " ", text)).casefold()


def test_no_wording_serves_two_templates():
    seen = {}
    for name in LIBRARY.templates:
        for variant in LIBRARY.template(name).variants:
            text = bare_letters(render(name, variant, SAMPLES["two choices"]))
            assert seen.setdefault(text, name) == name, variant.id


def test_options_are_shown_with_their_letters_in_order():
    templates = [LIBRARY.template(name) for name in LIBRARY.templates]
    asking = [template for template in templates if template.answer_form is AnswerForm.OPTION_LETTER]
    assert asking
    for template, variant in ((each, one) for each in asking for one in each.variants):
        text = render(template.name, variant, SAMPLES["eight choices"])
        found = re.findall(r"\b([A-H])\W{1,2}option number (\d)", text)
        assert found == [("ABCDEFGH"[at], str(at)) for at in range(8)], (template.name, variant.id)


@pytest.mark.parametrize("name", names(method_files()))
def test_a_method_names_only_what_there_is(name):
    method = load_method(name)
    assert method.name == name
    assert method.title.strip()
    assert method.description.endswith(".")
    assert (method.adapter is None) == (method.schedule == "none")
    if method.adapter is not None:
        plugins.load(plugins.ADAPTERS, method.adapter).Config.model_validate(method.adapter_config)
