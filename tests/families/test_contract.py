"""What every model family promises, and that the one that CONTRIBUTING shows is a whole one."""

import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

from cvit_bench import plugins
from cvit_bench.models.family import Family, Placement, family_named
from cvit_bench.models.loading import load_base
from cvit_bench.records.sample import Picture, Prompt

ROOT = Path(__file__).resolve().parents[2]
NAMES = plugins.names(plugins.FAMILIES)
TRAINED = [name for name in NAMES if family_named(name).needs_torch]


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_named_after_its_file_and_says_what_it_is(name):
    assert family_named(name).name == name
    assert plugins.summary(plugins.FAMILIES, name)


@pytest.fixture(scope="module", params=TRAINED)
def opened(request, base_of):
    """A family and a tiny base of it."""
    return family_named(request.param), load_base(base_of(request.param), Placement())


def test_the_projector_takes_features_of_the_width_that_the_family_tells(opened, pictures):
    family, base = opened
    seen: list[int] = []
    projector = base.model.get_submodule(family.projector)
    projector.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[-1]))
    with torch.inference_mode():
        shown = Prompt("1", "toy", "v0", "What?", Picture("1.png", pictures[1]), 2)
        base.model(**base.encoder.prompts([shown]))
    assert seen == [family.image_width(base.model.config)]


def test_the_language_model_is_found(opened):
    _, base = opened
    names = {module: name for name, module in base.model.named_modules()}
    assert names[base.model.get_decoder()] in {"model.language_model", "model.text_model"}


def test_the_family_of_contributing_is_a_whole_one():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "FAMILY" in block]
    module = ModuleType("our_llava")
    exec(compile(code, "our_llava.py", "exec"), module.__dict__)
    assert isinstance(module.FAMILY, Family)
    assert module.FAMILY.projector == family_named("llava").projector
