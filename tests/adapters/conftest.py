"""A tiny random LLaVA, routed adapters on it, and batches of prompts with and without pictures."""

from types import SimpleNamespace

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from cvit_bench import plugins
from cvit_bench.adapters.core import History
from cvit_bench.adapters.peft_bridge import peft_config_of, routing_of
from cvit_bench.resources import INSTRUCTION_WIDTH
from cvit_bench.train.adapted import adaptable_sites

PROJECTOR = "model.multi_modal_projector"
PAD, START, END, PICTURE, VOCABULARY, PATCHES = 0, 1, 2, 3, 48, 4
SMALL = {
    "smolora": {"num_experts": 4},
    "branchlora": {"num_branches": 4, "top_k": 2},
    "moelora": {"num_experts": 4},
    "hydralora": {"num_heads": 4},
    "olora": {},
}
METHODS = tuple(SMALL)
SECOND_TASK = [1, 1, 1, 1]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_base():
    """Return a function that builds the tiny model, always with the same weights."""
    return _make_base


def _make_base():
    torch.manual_seed(0)
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2}
    vision = CLIPVisionConfig(hidden_size=16, intermediate_size=24, image_size=16, patch_size=8, **layers)
    text = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=40,
        num_key_value_heads=2,
        pad_token_id=PAD,
        bos_token_id=START,
        eos_token_id=END,
        initializer_range=0.3,
        **layers,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=PICTURE,
        image_seq_length=PATCHES,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    return LlavaForConditionalGeneration(config).eval()


@pytest.fixture(scope="session")
def make_config():
    """Return a function that makes the configuration of a small adapter on the tiny model."""
    return _make_config


def _make_config(model, method, tasks=("a", "b"), branches=None, **settings):
    kind = plugins.load(plugins.ADAPTERS, method).Config
    config = kind(**{"rank": 8, "alpha": 16.0, "dropout": 0.0, **SMALL[method], **settings})
    history, update = History(), plugins.load(plugins.ADAPTERS, method).Update
    for task in tasks:
        history = update.next_history(config, history, {}, [task])
    if branches:
        history = History(history.tasks, tuple(branches))
    return peft_config_of(method, config, adaptable_sites(model, PROJECTOR), history)


@pytest.fixture(scope="session")
def adapt():
    """Return a function that puts a fresh adapter on a new tiny model."""
    return _adapt


def _adapt(method, tasks=("a", "b"), branches=None, seed=1, **settings):
    base = _make_base()
    torch.manual_seed(seed)
    return get_peft_model(base, _make_config(base, method, tasks, branches, **settings)).eval()


@pytest.fixture(scope="session")
def shake():
    """Return a function that gives all weights of an adapter random values, so that it does something."""
    return _shake


def _shake(adapted, seed=2, size=0.2):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for update in adapted.base_model.updates.values():
            for weight in update.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator) * size)
    return adapted


@pytest.fixture(scope="session")
def make_rows():
    """Return a function that makes prompts: token ids with or without a picture, and the answer's length."""
    return _make_rows


def _make_rows(pictures=(True, False, True), words=(2, 6, 4), answers=(1, 3, 2), seed=3):
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for seen, count, answer in zip(pictures, words, answers, strict=True):
        ids = torch.randint(4, VOCABULARY, (count + answer,), generator=generator).tolist()
        picture = torch.randn(3, 16, 16, generator=generator) if seen else None
        rows.append(([START] + [PICTURE] * PATCHES * seen + ids, answer, picture))
    return rows


@pytest.fixture(scope="session")
def make_batch():
    """Return a function that pads prompts on one side; with labels for learning."""
    return _make_batch


def _make_batch(rows, left=False, labels=False):
    length = max(len(ids) for ids, _, _ in rows)
    batch = {name: torch.full((len(rows), length), PAD) for name in ("input_ids", "attention_mask")}
    wanted = torch.full((len(rows), length), -100)
    for number, (ids, answer, _) in enumerate(rows):
        start = length - len(ids) if left else 0
        batch["input_ids"][number, start : start + len(ids)] = torch.tensor(ids)
        batch["attention_mask"][number, start : start + len(ids)] = 1
        wanted[number, start + len(ids) - answer : start + len(ids)] = torch.tensor(ids[-answer:])
    pictures = [picture for _, _, picture in rows if picture is not None]
    if pictures:
        batch["pixel_values"] = torch.stack(pictures)
    return {**batch, "labels": wanted} if labels else batch


@pytest.fixture(scope="session")
def tell():
    """Return a function that sets instructions and tasks of so many samples."""
    return _tell


def _tell(adapted, tasks, seed=4):
    """`tasks`: one number a sample; the instruction belongs to sample number."""
    routing = routing_of(adapted)
    generator = torch.Generator().manual_seed(seed)
    routing.instructions = torch.randn(len(tasks), INSTRUCTION_WIDTH, generator=generator)
    routing.tasks = torch.tensor(tasks)
    return routing


@pytest.fixture(scope="session")
def listen():
    """Return a function that has layers record; what they say is kept by layer and name."""
    return _listen


def _listen(adapted):
    notes = {}

    def record(layer, name, values):
        notes[layer, name] = values.detach().clone()

    routing_of(adapted).recorder = SimpleNamespace(record=record)
    return notes


@pytest.fixture(scope="session")
def batch(make_rows, make_batch):
    """Four samples with pictures and answers of one length, so that halves weigh the same."""
    return make_batch(make_rows((True,) * 4, (2, 6, 4, 3), (2,) * 4), labels=True)


@pytest.fixture(scope="session")
def logits():
    """Return a function that runs a model on a batch without gradients."""
    return _logits


def _logits(model, batch):
    with torch.no_grad():
        return model(**batch).logits


@pytest.fixture(scope="session")
def grads():
    """Return a function that takes gradients by name in training; those that are absent count as zero."""
    return _grads


def _grads(adapted, batch):
    adapted.train()
    adapted.zero_grad()
    (adapted(**batch).loss + adapted.base_model.extra_loss()).backward()
    return {
        name: torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
        for name, weight in adapted.named_parameters()
        if weight.requires_grad
    }


@pytest.fixture(scope="session")
def same():
    """Return a function that compares tensors by name."""
    return _same


def _same(found, wanted, **how):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, **how, msg=lambda said, name=name: f"{name}: {said}")


@pytest.fixture(scope="session")
def saved(batch, tmp_path_factory):
    """A folder with the base and an adapter of each method; BranchLoRA's has a task behind it.

    Beside each adapter: the logits it gives for `batch`, and the state of its whole model.
    """
    root = tmp_path_factory.mktemp("saved")
    _make_base().save_pretrained(root / "base")
    for method in METHODS:
        adapted = _shake(_adapt(method, **({"frozen_routes": "avoid"} if method == "branchlora" else {})))
        adapted.base_model.begin_stage(0)
        _tell(adapted, [0] * 4)
        adapted.train()
        adapted(**batch)
        adapted.base_model.close_stage()
        adapted.base_model.begin_stage(1)
        routing = _tell(adapted, SECOND_TASK)
        adapted.eval()
        torch.save(_logits(adapted, batch), root / f"{method}.pt")
        adapted.save_pretrained(root / method)
        torch.save(adapted.base_model.state_dict(), root / f"{method}-state.pt")
    said = {"methods": METHODS, "batch": batch, "instructions": routing.instructions}
    torch.save({**said, "tasks": routing.tasks}, root / "said.pt")
    return root


@pytest.fixture
def load(saved):
    """Return a function that loads a saved adapter onto a new base."""

    def read(method, learns=False):
        adapted = PeftModel.from_pretrained(_make_base(), saved / method, is_trainable=learns)
        _tell(adapted, SECOND_TASK)
        return adapted

    return read
