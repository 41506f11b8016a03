"""From samples to prompts: sandboxed templates, and the choice of variants."""

import random
from collections.abc import Iterable, Sequence
from functools import lru_cache

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2 import Template as CompiledTemplate
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cvit_bench.data.wording_rules import forbidden
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Prompt, Sample
from cvit_bench.records.suite import TemplateSetting
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template, Variant
from cvit_bench.text import unknown_name

VARIABLES = ("question", "choices")


def build_prompts(
    task: Task, template: Template, variant: Variant, samples: Iterable[Sample]
) -> list[Prompt]:
    """Word every sample with one variant; a longer form asked for gets more room than the task's own.

    Where prompts are those of the data, they stand in the place of the template's first variant.
    """
    room = max(task.max_new_tokens, variant.asks.max_new_tokens if variant.asks else 0)
    return [
        Prompt(
            sample.id,
            task.name,
            variant.id,
            _worded(task, template, variant, sample),
            sample.picture,
            room,
            template,
            variant,
        )
        for sample in samples
    ]


def _worded(task: Task, template: Template, variant: Variant, sample: Sample) -> str:
    if task.prompts == "template" or variant.id != template.variants[0].id:
        return render(template.name, variant, sample)
    if sample.prompt is None:
        raise CvitBenchError(
            f"task {task.name!r}, sample {sample.id!r}: prompts: data: {sample.place or 'its file'} has none"
        )
    return sample.prompt


def render(template: str, variant: Variant, sample: Sample) -> str:
    """Return the user's text of one sample; the picture is placed by the model's chat template, not here."""
    try:
        return _compiled(variant.text).render(question=sample.question, choices=list(sample.choices)).strip()
    except (
        TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise CvitBenchError(
            f"template {template!r}, variant {variant.id!r}, sample {sample.id!r}: {error}"
        ) from error


def evaluation_variants(template: Template, wanted: int | None) -> tuple[Variant, ...]:
    """Return the first `wanted` variants or all for None: paraphrases in file order, then form changes."""
    return (*template.paraphrases, *template.form_changes)[:wanted]


def training_variants(
    template: Template, setting: TemplateSetting, num_samples: int, seed: int
) -> Sequence[Variant]:
    """Return one variant a sample: the first for `single`, a drawn train paraphrase for `multi`."""
    if setting == "single":
        return [template.variants[0]] * num_samples
    return random.Random(seed).choices(template.variants_of("train"), k=num_samples)


def variant_problems(variant: Variant) -> list[str]:
    """Return what is wrong with a variant's text: syntax, what no wording may hold, unknown variables."""
    try:
        tree = _environment().parse(variant.text)
    except TemplateSyntaxError as error:
        return [f"not a valid template: {error.message} (line {error.lineno} of the text)"]
    except RecursionError:
        return ["not a valid template: it is nested too deep"]
    if found := list(dict.fromkeys(forbidden(tree))):
        return found  # what follows works constants out
    used = meta.find_undeclared_variables(tree)
    return [unknown_name("variable", name, VARIABLES) for name in sorted(used - set(VARIABLES))]


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> CompiledTemplate:
    for problem in forbidden(_environment().parse(text)):
        raise SecurityError(problem)
    return _environment().from_string(text)
