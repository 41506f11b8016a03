"""Templates word samples inside a sandbox; the choice of variants is drawn from one seed."""

from collections import Counter

import pytest

from cvit_bench.data.prompts import (
    build_prompts,
    evaluation_variants,
    render,
    training_variants,
    variant_problems,
)
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.template import Template, Variant


def variant(text, name="v0", split="train"):
    return Variant(id=name, split=split, text=text)


@pytest.fixture
def template():
    """Three train variants and two heldout ones, mixed in file order."""
    rows = [("v0", "train"), ("h0", "heldout"), ("v1", "train"), ("h1", "heldout"), ("v2", "train")]
    variants = tuple(variant(f"{name}: {{{{ question }}}}", name, split) for name, split in rows)
    return Template(name="pets", answer_form="short_answer", variants=variants)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ question }}\nBriefly.", "What is it?\nBriefly."),
        ("  {{ question }}\n\n", "What is it?"),
        ("{% for choice in choices %}{{ 'AB'[loop.index0] }}. {{ choice }} {% endfor %}", "A. cat B. dog"),
        ("{{ choices | join(' or ') }}? {{ question | upper }}", "cat or dog? WHAT IS IT?"),
        ("{% if choices %}{{ choices | length }} options{% endif %}", "2 options"),
        ("<b>{{ question }}</b> {# a comment #}", "<b>What is it?</b>"),
    ],
)
def test_a_template_words_a_sample(sample, text, said):
    assert render("pets", variant(text), sample) == said


def test_what_a_sample_says_is_text_and_no_template():
    sample = Sample("a", "{{ 7 * 7 }} <b> & {% raw %}", ("x",), ("{{ question }}",))
    assert (
        render("pets", variant("{{ question }} {{ choices[0] }}"), sample)
        == f"{sample.question} {sample.choices[0]}"
    )


def test_prompts_carry_task_variant_picture_and_budget(task, template, sample):
    picture = Picture("a.png", b"x")
    samples = [sample, Sample("b", "And this?", ("dog",), picture=picture)]
    one, two = build_prompts(task(max_new_tokens=3), template, template.variants[1], samples)
    assert (one.sample_id, one.task, one.variant, one.text, one.picture, one.max_new_tokens) == (
        "a", "pets", "h0", "h0: What is it?", None, 3
    )  # fmt: skip
    assert (two.sample_id, two.text, two.picture) == ("b", "h0: And this?", picture)


@pytest.mark.parametrize(
    "text",
    [
        "{{ question.__class__.__mro__ }}",
        "{{ question['__class__'] }}",
        "{{ question | attr('__class__') }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(question) }}",
        "{{ choices.append('third') }}",
        "{{ choices.clear() }}",
        "{{ question.format.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ lipsum.__globals__['os'] }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ range(10 ** 9) | list }}",
    ],
)
def test_a_template_gets_at_nothing_but_its_sample(sample, text):
    with pytest.raises(CvitBenchError, match="template 'pets', variant 'v0', sample 'a': "):
        render("pets", variant(text), sample)
    assert sample.choices == ("cat", "dog")


@pytest.mark.parametrize(
    "text",
    [
        "{{ qestion }}",
        "{{ question.colour }}",
        "{{ choices[9] }}",
        "{{ 1 / 0 }}",
        "{{ question + 1 }}",
        "{{ '{0} {1}'.format(question) }}",
        "{{ '{x}'.format(question) }}",
        "{{ question | int | xmlattr }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    ],
)
def test_a_fault_at_rendering_names_template_variant_and_sample(sample, text):
    with pytest.raises(CvitBenchError, match="template 'pets', variant 'v0', sample 'a': "):
        render("pets", variant(text), sample)


@pytest.mark.parametrize("text", ["{{ question", "{% for x in choices %}", "{% nonsense %}"])
def test_a_syntax_error_is_a_problem_of_the_variant_and_of_rendering(sample, text):
    (problem,) = variant_problems(variant(f"one\n{text}"))
    assert problem.startswith("not a valid template: ")
    assert problem.endswith("(line 2 of the text)")
    with pytest.raises(CvitBenchError, match="template 'pets', variant 'v0'"):
        render("pets", variant(text), sample)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * 10 ** 10 }}",
        "{{ question ~ question }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ 'x'.ljust(10 ** 10) }}",
        "{{ 'x' | center(10 ** 10) }}",
        "{{ question | indent(10 ** 10) }}",
        "{{ choices | join(choices | join) }}",
        "{{ choices | join | join | join | join | join }}",
        "{% for a in choices %}" * 3 + "x" + "{% endfor %}" * 3,
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ lipsum(10 ** 6) }}",
    ],
)
def test_a_template_cannot_use_up_the_machine(sample, text):
    assert variant_problems(variant(text))
    with pytest.raises(CvitBenchError, match="template 'pets', variant 'v0', sample 'a': "):
        render("pets", variant(text), sample)


def test_a_template_that_is_nested_too_deep_is_a_problem(sample):
    text = "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}"
    assert variant_problems(variant(text)) == ["not a valid template: it is nested too deep"]
    with pytest.raises(CvitBenchError, match="template 'pets'"):
        render("pets", variant(text), sample)


def test_a_filter_that_is_not_there_is_named_with_those_that_are():
    (problem,) = variant_problems(variant("{{ question | nofilter }}"))
    assert problem.startswith("filter 'nofilter' is not allowed in a wording (known: capitalize, count, ")


def test_an_unknown_variable_is_a_problem_with_a_suggestion():
    assert variant_problems(variant("{{ qestion }} {{ colour }}")) == [
        "unknown variable 'colour' (known: choices, question)",
        "unknown variable 'qestion' (known: choices, question). Did you mean 'question'?",
    ]


def test_a_variable_that_the_template_sets_is_no_problem():
    assert (
        variant_problems(
            variant("{% set n = choices | length %}{{ n }} {% for c in choices %}{{ c }}{% endfor %}")
        )
        == []
    )


@pytest.mark.parametrize(
    ("wanted", "names"), [(1, "v0"), (2, "v0 h0"), (9, "v0 h0 v1 h1 v2"), (None, "v0 h0 v1 h1 v2")]
)
def test_evaluation_takes_the_first_variants_of_the_file(template, wanted, names):
    assert [one.id for one in evaluation_variants(template, wanted)] == names.split()


def test_in_the_single_setting_training_sees_the_first_variant_only(template):
    assert training_variants(template, "single", 5, seed=3) == [template.variants[0]] * 5


def test_in_the_multi_setting_training_sees_every_train_variant_and_no_heldout_one(template):
    drawn = Counter(one.id for one in training_variants(template, "multi", 3000, seed=3))
    assert set(drawn) == {"v0", "v1", "v2"}
    assert min(drawn.values()) > 900


def test_the_draw_of_variants_is_decided_by_the_seed(template):
    draws = [[one.id for one in training_variants(template, "multi", 40, seed)] for seed in (3, 3, 4)]
    assert draws[0] == draws[1] != draws[2]


def test_a_longer_draw_begins_like_a_shorter_one(template):
    assert training_variants(template, "multi", 50, 3)[:20] == training_variants(template, "multi", 20, 3)
