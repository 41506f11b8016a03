"""Packed ranking equals one plain pass for each candidate; candidates follow the answer form."""

from dataclasses import replace

import pytest
import torch

from benchmarks.ranking import LARGEST_SET, Question, Ranker, candidate_sets, log_likelihoods, ranked_right
from cvit_bench.data.library import open_library
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.models.family import Placement
from cvit_bench.models.inputs import IGNORED, training_batch
from cvit_bench.models.loading import load_base
from cvit_bench.records.sample import Sample
from cvit_bench.resources import embedded_base

WORDS = ("red", "yellow", "a red circle", "t-shirt", "no")
LIBRARY = open_library()


@pytest.fixture(scope="module")
def base():
    return load_base(embedded_base(), Placement())


def prompts_of(name, count=5):
    task = LIBRARY.task(name)
    template = LIBRARY.template(task.template)
    samples = load_samples(task, "test", limit=count)
    return task, samples, build_prompts(task, template, template.variants[0], samples)


@torch.inference_mode()
def plainly(base, prompt, answer):
    batch = training_batch(base.processor, [prompt], [answer])
    labels = batch.pop("labels")[0, 1:]
    logp = base.model(**batch).logits[0, :-1].log_softmax(-1)
    said = labels != IGNORED
    return logp[said].gather(1, labels[said][:, None]).mean().item()


def test_packed_equals_one_pass_for_each_candidate(base):
    prompts = [*prompts_of("mini_shapes")[2], *prompts_of("mini_garments")[2]]
    assert len({len(prompt.text) for prompt in prompts}) > 1
    found = log_likelihoods(base.model, base, prompts, WORDS)
    expected = torch.tensor([[plainly(base, prompt, word) for word in WORDS] for prompt in prompts])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_every_question_gets_the_best_of_its_own_candidates(base):
    task, samples, prompts = prompts_of("mini_shapes", 40)
    sets = candidate_sets(task, samples, [])
    questions = [Question(*row) for row in zip(samples, prompts, sets, strict=True)]
    assert len(set(sets)) == 2
    best = Ranker(base).best(questions)
    one_by_one = [Ranker(base).best([question])[0] for question in questions]
    assert best == one_by_one
    right = ranked_right(task, questions, best)
    assert right == [text in sample.answers for text, sample in zip(best, samples, strict=True)]


def test_letters_are_those_of_the_options():
    task = LIBRARY.task("mini_geo")
    two = Sample("a", "?", ("A",), choices=("left", "right"))
    assert candidate_sets(task, [two], []) == [("A", "B")]


def test_yes_or_no_stand_against_each_other_only():
    task = LIBRARY.task("mini_shapes")
    samples = [Sample("a", "?", ("yes",)), Sample("b", "?", ("red",))]
    assert candidate_sets(task, samples, []) == [("yes", "no"), task.classes]


def test_without_classes_the_train_answers_are_ranked():
    task = LIBRARY.task("mini_shapes").model_copy(update={"classes": ()})
    train = [Sample("a", "?", ("sun",)), Sample("b", "?", ("moon",)), Sample("c", "?", ("sun",))]
    test = [Sample("d", "?", ("sun",))]
    assert candidate_sets(task, test, train) == [("moon", "sun")]
    assert candidate_sets(task, [*test, Sample("e", "?", ("star",))], train) is None
    many = [replace(train[0], answers=(f"word {at}",)) for at in range(LARGEST_SET)]
    assert candidate_sets(task, test, [*train, *many]) is None


def test_sentences_are_open():
    assert candidate_sets(LIBRARY.task("mini_caption"), [Sample("a", "?", ("A cat.",))], []) is None
