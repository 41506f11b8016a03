"""Answers in shared passes are those of transformers' own `generate`, one prompt after the other."""

from collections import Counter
from itertools import groupby

import pytest
import torch
from peft import get_peft_model

from cvit_bench import plugins
from cvit_bench.adapters.core import History
from cvit_bench.adapters.peft_bridge import peft_config_of, tuner_of
from cvit_bench.data.library import open_library
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.models import replay
from cvit_bench.models.adapter_files import load_adapter, save_adapter
from cvit_bench.models.conditioning import condition
from cvit_bench.models.decoding import begin
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.models.inputs import prompt_batch
from cvit_bench.models.loading import load_base
from cvit_bench.models.passes import Asked, Rules, cut_passes
from cvit_bench.models.replay import ReplayModel
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import adaptable_sites

PROJECTOR = "model.multi_modal_projector"
CASES = {
    "none": None,
    "lora": ("lora", {"projector": "train"}),
    "dora": ("lora", {"dora": True}),
    "smolora": ("smolora", {}),
    "smolora-cached": ("smolora", {"decode_route": "cached"}),
    "branchlora": ("branchlora", {}),
    "branchlora-projectors": ("branchlora", {"per_task_projector": True}),
    "moelora": ("moelora", {}),
    "hydralora": ("hydralora", {}),
    "olora": ("olora", {}),
}
SHARING = {"none", "lora", "dora", "moelora", "hydralora", "olora"}


@pytest.fixture(scope="module")
def prompts():
    """Two samples of two tasks in three wordings, and a prompt without a picture."""
    library, found = open_library(), []
    for name in ("mini_shapes", "mini_caption"):
        task = library.task(name)
        template = library.template(task.template)
        samples = load_samples(task, "test", limit=2)
        found += [p for v in template.variants[:3] for p in build_prompts(task, template, v, samples)]
    first = found[0]
    return [*found, type(first)(**{**first.__dict__, "sample_id": "blind", "picture": None})]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a function that makes a folder with an adapter whose weights are all random."""
    return lambda case: _adapter_folder(tmp_path_factory.mktemp(case), *CASES[case])


def _adapter_folder(folder, method, settings):
    torch.manual_seed(3)
    base = load_base(embedded_base(), Placement()).model
    module = plugins.load(plugins.ADAPTERS, method)
    config = module.Config(**{"rank": 8, "alpha": 16.0, "dropout": 0.0, **settings})
    history = History()
    if hasattr(module, "Update"):
        for task in ("mini_shapes", "mini_caption"):
            history = module.Update.next_history(config, history, {}, [task])
    adapted = get_peft_model(base, peft_config_of(method, config, adaptable_sites(base, PROJECTOR), history))
    generator = torch.Generator().manual_seed(4)
    tuner = tuner_of(adapted)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if weight.requires_grad or "lora_" in name or (tuner is not None and ".routed." in name):
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.06)
        for part in tuner.selector.keys if tuner and tuner.selector else ():
            part.image.normal_(generator=generator)
            part.text.normal_(generator=generator)
    save_adapter(adapted, folder, "embedded:mini", "0" * 64)
    return folder


def checkpoint(case, folders):
    return (
        Checkpoint("00-base", None, "base") if case == "none" else Checkpoint("01", folders(case), "adapter")
    )


def one_by_one(prompts, folder):
    """What transformers answers to each prompt alone."""
    base = load_base(embedded_base(), Placement(), place=lambda model: model)
    model = base.model if folder is None else load_adapter(base.model, None, folder, "01").eval()
    texts = []
    for prompt in prompts:
        if folder is not None:
            condition(model, [prompt])
        batch = prompt_batch(base.processor, [prompt])
        ids = model.generate(**batch, max_new_tokens=prompt.max_new_tokens, do_sample=False, num_beams=1)
        new = ids[:, batch["input_ids"].shape[1] :]
        texts.append(base.processor.batch_decode(new, skip_special_tokens=True)[0].strip())
    return texts


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_generate_one_by_one(prompts, folders, case, monkeypatch):
    passes = []
    monkeypatch.setattr(replay, "begin", lambda *given: passes.append(given[1]) or begin(*given))
    model, place = ReplayModel(embedded_base(), Placement()), checkpoint(case, folders)
    model.use(place)
    found = model.generate(prompts)
    assert found == one_by_one(prompts, place.folder)
    assert len(set(found)) > 3
    assert any(group.shared for groups in passes for group in groups) == (case in SHARING)


SAID = (["red", "a red circle", "no"], ["A", "Spain"], [])


@pytest.mark.parametrize("case", CASES)
def test_answers_stay_and_rankings_agree_when_both_come_from_one_reading(prompts, folders, case, monkeypatch):
    passes = []
    model = ReplayModel(embedded_base(), Placement())
    model.use(checkpoint(case, folders))
    given = [SAID[at % len(SAID)] for at in range(len(prompts))]
    texts = model.generate(prompts)
    monkeypatch.setattr(replay, "begin", lambda *told: passes.append(told[1]) or begin(*told))
    found = model.answer_and_rank(prompts, given)
    read = [row.at for groups in passes for group in groups for row in group.rows]
    assert sorted(read) == list(range(len(prompts)))
    assert [text for text, _ in found] == texts
    for prompt, said, (_, one) in zip(prompts, given, found, strict=True):
        assert len(one.plain) == len(said)
        assert one.plain == pytest.approx(model.rank([prompt], [said])[0].plain, abs=1e-3)
    assert len({one.plain for _, one in found}) > len(prompts) / 2


def test_answers_that_need_more_room_than_was_made_find_it(prompts, folders, monkeypatch):
    model = ReplayModel(embedded_base(), Placement())
    model.use(checkpoint("lora", folders))
    wanted = model.answer_and_rank(prompts, [SAID[0]] * len(prompts))
    monkeypatch.setattr(replay, "packed_room", lambda *_: 0)
    long = [[text * 9 for text in SAID[0]]] * len(prompts)
    assert [text for text, _ in model.answer_and_rank(prompts, long)] == [text for text, _ in wanted]
    for (_, one), (_, other) in zip(
        model.answer_and_rank(prompts, [SAID[0]] * len(prompts)), wanted, strict=True
    ):
        assert one.plain == pytest.approx(other.plain, abs=1e-4)


@pytest.mark.parametrize("case", ["lora", "dora"])
def test_a_merged_adapter_leaves_the_base_as_it_was(folders, case, prompts):
    model = ReplayModel(embedded_base(), Placement())
    before = {name: weight.clone() for name, weight in model._base.model.state_dict().items()}
    untouched = model.generate(prompts)
    tuned = checkpoint(case, folders)
    model.use(tuned)
    changed = model.generate(prompts)
    assert model._merged is not None
    model.use(Checkpoint("00-base", None, "base"))
    assert model.generate(prompts) == untouched != changed
    for name, weight in model._base.model.state_dict().items():
        plain = name.replace(".base_layer", "")
        assert plain not in before or torch.equal(weight, before[plain])
    model.use(tuned)
    assert model.generate(prompts) == changed


def rows(*lengths, picture=None, start=(1, 9, 9)):
    return [Asked(at, [*start, *range(20, 20 + size)], picture, 4) for at, size in enumerate(lengths)]


def test_passes_hold_every_prompt_once_and_keep_to_their_size():
    asked = rows(*[3, 30, 7, 7, 12, 40, 3, 5] * 3)
    for equal in (False, True):
        passes = cut_passes(asked, Rules(share=False, equal=equal, max_tokens=60, image_token=9))
        seen = [row for groups in passes for group in groups for row in group.rows]
        assert Counter(row.at for row in seen) == Counter(range(len(asked)))
        for groups in passes:
            sizes = [len(row.ids) for group in groups for row in group.rows]
            assert len(groups) == 1 or len(sizes) * max(sizes) <= 60
            assert not equal or len(set(sizes)) == 1


def test_only_beginnings_with_the_whole_picture_are_shared():
    def shared(*ids, share=True):
        asked = [Asked(at, row, "p", 4) for at, row in enumerate(ids)]
        passes = cut_passes(asked, Rules(share, False, None, 9))
        return [group.shared for groups in passes for group in groups]

    long = [1, *[9] * 10]
    assert shared([*long, 5], [*long, 6, 7]) == [len(long)]
    assert shared([*long, 5], [*long, 5]) == [len(long)], "a token is left to read"
    assert shared([*long, 5], [*long, 6], share=False) == [0, 0]
    assert shared([1, 5, *[9] * 10], [1, 6, *[9] * 10]) == [0, 0]
    assert shared([1, 9, *range(20, 40)], [1, 9, *range(40, 60)]) == [0, 0], "not worth a second pass"
    alike = [key for key, _ in groupby(shared([*long, 5], [*long, 6], [*long, 7]))]
    assert alike == [len(long)]
