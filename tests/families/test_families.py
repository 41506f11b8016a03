"""Every family end to end, with a tiny random model built on the spot: train two stages, evaluate, batch."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from cvit_bench import plugins
from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.encoder import Encoder
from cvit_bench.models.family import Placement, family_named, open_replay
from cvit_bench.models.inputs import IGNORED
from cvit_bench.models.loading import load_base
from cvit_bench.records.choices import CellChoice
from cvit_bench.records.sample import Picture, Prompt

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
TRAINED = [name for name in plugins.names(plugins.FAMILIES) if family_named(name).needs_torch]
METHODS = ("lora", "branchlora")
NO_LINEAR_PROJECTOR = ("gemma3",)
SENTENCES = ("Which?", "Say what is to be seen in the picture.", "Name it, please.", "And here?", "Any word.")


def train(method, two_tasks, run_dir, base, *overrides):
    run_training(
        method, str(two_tasks), run_dir,
        base=str(base), data_root=two_tasks.parents[2] / "data", device="cpu", overrides=list(overrides),
    )  # fmt: skip
    return run_dir


def answers(run_dir, two_tasks, batch_size, cells=CellChoice.FULL):
    shutil.rmtree(run_dir / "predictions", ignore_errors=True)
    data = two_tasks.parents[2] / "data"
    evaluate(run_dir, EvaluateOptions(cells=cells, batch_size=batch_size, data_root=data))
    rows = [
        (path.parent.parent.name, path.parent.name, json.loads(line))
        for path in sorted((run_dir / "predictions").rglob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return {(stage, task, row["id"]): row["text"] for stage, task, row in rows}


def test_every_family_has_a_tiny_model_here(families):
    assert sorted(families) == sorted(TRAINED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", TRAINED)
def test_two_stages_are_trained_and_answer_alike_at_any_batch_size(
    name, method, two_tasks, base_of, tmp_path
):
    is_fixed = name in NO_LINEAR_PROJECTOR
    overrides = ["adapter.projector=frozen"] if is_fixed else []
    run_dir = train(method, two_tasks, tmp_path / method, base_of(name), *overrides)
    together = answers(run_dir, two_tasks, 4)
    assert len(together) == 3 * 2 * 5
    alone = answers(run_dir, two_tasks, 1, CellChoice.FINAL)
    assert len(alone) == 2 * 5
    assert alone == {place: text for place, text in together.items() if place in alone}
    states = [load_file(path) for path in sorted(run_dir.glob("stages/*/adapter_model.safetensors"))]
    learned = [key for key in states[0] if not torch.equal(states[0][key], states[1][key])]
    assert any(".layers." in key for key in learned)
    assert any(family_named(name).projector in key for key in learned) != is_fixed


@pytest.mark.parametrize("name", NO_LINEAR_PROJECTOR)
def test_a_projector_without_linear_layers_is_refused_where_it_should_be_routed(
    name, two_tasks, base_of, tmp_path
):
    with pytest.raises(CvitBenchError, match=r"multi_modal_projector has no linear layers that branchlora"):
        train("branchlora", two_tasks, tmp_path / "run", base_of(name))


@pytest.fixture(scope="module")
def asked(pictures):
    """Prompts of all lengths about pictures of all shapes, the third about none."""
    shown = [Picture(f"{at}.png", data) for at, data in enumerate(pictures)]
    shown[2] = None
    return [
        Prompt(str(at), "toy", "v0", text, picture, 4)
        for at, (text, picture) in enumerate(zip(SENTENCES, shown, strict=True))
    ]


@pytest.mark.parametrize("name", TRAINED)
def test_logits_of_a_batch_are_those_of_single_prompts(name, base_of, asked):
    base = load_base(base_of(name), Placement())
    prompts = [prompt for prompt in asked if prompt.picture or name != "paligemma"]
    with torch.inference_mode():
        together = base.model(**base.encoder.prompts(prompts)).logits[:, -1]
        alone = [base.model(**base.encoder.prompts([prompt])).logits[0, -1] for prompt in prompts]
        lesson = base.encoder.lesson(prompts, ["an answer"] * len(prompts))
        learned = base.model(**lesson)
    assert torch.allclose(together, torch.stack(alone), atol=1e-4)
    assert len({tuple(row) for row in together.tolist()}) == len(prompts)
    assert torch.isfinite(learned.loss)
    first = (lesson["labels"] != IGNORED).int().argmax(1) - 1
    assert torch.allclose(learned.logits[torch.arange(len(prompts)), first], together, atol=1e-4)


@pytest.mark.parametrize("name", TRAINED)
def test_inputs_made_ahead_are_those_made_when_asked(name, base_of, asked):
    base = load_base(base_of(name), Placement())
    prompts = [prompt for prompt in asked if prompt.picture or name != "paligemma"]
    prompts.append(replace(prompts[0], sample_id="the same once more"))
    made_when_asked = Encoder(base.processor, base.device, base.dtype, kinds=base.encoder._kinds)
    base.encoder.prepare(prompts)
    assert base.encoder._ahead._coming or base.encoder._vision is not None
    with torch.inference_mode():
        ahead = base.model(**base.encoder.prompts(prompts)).logits[:, -1]
        wanted = base.model(**made_when_asked.prompts(prompts)).logits[:, -1]
    assert torch.allclose(ahead, wanted, atol=1e-4)
    assert made_when_asked._ahead.waited > 0


SAID = ["red", "a long answer", "no"]


def opened(base):
    """Return a base whose attention tells positions well apart: fresh weights hardly do."""
    model = open_replay(base, Placement())
    with torch.no_grad():
        for name, weight in model._base.model.get_decoder().named_parameters():
            if any(part in name for part in ("q_proj.w", "k_proj.w", "v_proj.w", "o_proj.w")):
                weight.mul_(10)
    return model


@pytest.mark.parametrize("name", TRAINED)
def test_likelihoods_are_those_of_the_whole_conversation(name, base_of, asked):
    assert family_named(name).ranks
    model = opened(base_of(name))
    found = model.rank(asked, [SAID] * len(asked))
    for at, answer in enumerate(SAID):
        with torch.inference_mode():
            lesson = model._base.encoder.lesson(asked, [answer] * len(asked))
            scores = model._base.model(**lesson).logits[:, :-1].log_softmax(-1)
        wanted = lesson["labels"][:, 1:]
        picked = scores.gather(-1, wanted.clamp(min=0).unsqueeze(-1)).squeeze(-1) * (wanted != IGNORED)
        assert [row.plain[at] for row in found] == pytest.approx(picked.sum(1).tolist(), abs=1e-3)


@pytest.mark.parametrize("name", TRAINED)
def test_answers_and_likelihoods_come_from_one_reading(name, base_of, asked):
    model, given = opened(base_of(name)), [SAID, SAID[:1], [], SAID[1:], SAID]
    texts, apart = model.generate(asked), model.rank(asked, given)
    lengths = []
    model._base.model.get_decoder().register_forward_pre_hook(
        lambda _, args, kwargs: lengths.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    found = model.answer_and_rank(asked, given)
    assert [text for text, _ in found] == texts
    for (_, one), other in zip(found, apart, strict=True):
        assert one.plain == pytest.approx(other.plain, abs=1e-3)
        assert one.tokens == other.tokens
    longest = sum(len(answer) + 1 for answer in SAID)
    assert sum(length > longest for length in lengths) == 1, "one pass reads the prompts"
