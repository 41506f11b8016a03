"""What hooks add to a stage, against their equations written out; on the embedded base."""

import random
from collections import Counter

import pytest
import torch

from cvit_bench.cli.train import run_training
from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.conditioning import condition
from cvit_bench.models.family import Placement
from cvit_bench.models.inputs import IGNORED
from cvit_bench.models.loading import load_base
from cvit_bench.records.method import load_method
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.examples import Draw, draw_batches, load_examples
from cvit_bench.train.hooks import ewc, lwf, replay
from cvit_bench.train.live_stage import LiveStage
from cvit_bench.train.settings import resolve

PROJECTOR = "model.multi_modal_projector"
SMALL = ["adapter.rank=8", "adapter.alpha=16", "training.batch_size=4", "training.precision=float32"]


@pytest.fixture(scope="module")
def examples():
    library, suite = open_suite("mini")
    return {task: load_examples(library, [task], "single", 0, limit=20) for task in suite.train[:3]}


@pytest.fixture
def live(examples):
    """Make a stage on a task after others, its adapter moved away from zero."""
    base = load_base(embedded_base(), Placement())

    def make(method="lora", task="mini_read", past=("mini_geo",)):
        settings = resolve(load_method(method), open_suite("mini")[1], SMALL)
        adapted = attach(base, PROJECTOR, settings, None, StageStart((task,), 0, "0" * 64))
        with torch.no_grad():
            generator = torch.Generator().manual_seed(1)
            for weight in adapted.parameters():
                if weight.requires_grad:
                    weight.add_(0.02 * torch.randn(weight.shape, generator=generator))
        return LiveStage(
            name="02-x", tasks=(task,), past=past, seed="0/02-x", adapted=adapted, base=base,
            projector=PROJECTOR, budget=settings.training, examples=examples[task],
            examples_of=examples.__getitem__, num_steps=4,
        )  # fmt: skip

    return make


def lesson(stage, count=3):
    draw = Draw([e.prompt for e in stage.examples[:count]], [e.answers[0] for e in stage.examples[:count]])
    condition(stage.adapted, draw.prompts, training=True)
    return stage.base.encoder.lesson(draw.prompts, draw.answers)


def literal_fisher(stage, count):
    """Mean over samples of the squared gradient of the log-likelihood of the given answer."""
    picked = random.Random(f"{stage.seed}/fisher").sample(list(stage.examples), count)
    sums = {name: torch.zeros_like(weight) for name, weight in stage.weights.items()}
    for example in picked:
        stage.adapted.zero_grad()
        batch = stage.base.encoder.lesson([example.prompt], [example.answers[0]])
        condition(stage.adapted, [example.prompt], training=True)
        num = int((batch["labels"] != IGNORED).sum())
        (stage.adapted(**batch).loss * num).backward()
        for name, weight in stage.weights.items():
            sums[name] += weight.grad.square() / count
    stage.adapted.zero_grad()
    return sums


def test_the_fisher_information_is_the_mean_squared_gradient(live):
    stage = live()
    hook = ewc.Hook(ewc.Config(num_samples=5, labels="given"))
    hook.before_stage(stage, {})
    kept = hook.after_stage(stage)
    stage.adapted.eval()
    for name, wanted in literal_fisher(stage, 5).items():
        torch.testing.assert_close(kept[f"fisher/{name}"], wanted, rtol=1e-3, atol=1e-9)
        torch.testing.assert_close(kept[f"pull/{name}"], wanted * stage.weights[name], rtol=1e-3, atol=1e-9)


def test_labels_drawn_from_the_model_give_the_same_information_every_time(live):
    stage = live()
    found = []
    for _ in range(2):
        hook = ewc.Hook(ewc.Config(num_samples=4))
        hook.before_stage(stage, {})
        found.append(hook.after_stage(stage))
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(values, found[1][name]) for name, values in found[0].items())
    assert sum(float(values.sum()) for name, values in found[0].items() if name.startswith("fisher/")) > 0


def test_the_penalty_is_the_sum_over_tasks_written_out(live):
    stage = live()
    generator = torch.Generator().manual_seed(3)
    tasks = [
        {name: (torch.rand(w.shape, generator=generator), torch.randn(w.shape, generator=generator))
         for name, w in stage.weights.items()}
        for _ in range(3)
    ]  # fmt: skip
    kept = {"constant": torch.zeros(())}
    for task in tasks:
        for name, (fisher, at) in task.items():
            kept[f"fisher/{name}"] = kept.get(f"fisher/{name}", 0) + fisher
            kept[f"pull/{name}"] = kept.get(f"pull/{name}", 0) + fisher * at
            kept["constant"] = kept["constant"] + (fisher * at.square()).sum()
    hook = ewc.Hook(ewc.Config(strength=7.0))
    hook.before_stage(stage, kept)
    found = hook.penalty(stage, {}, None)
    wanted = sum(
        3.5 * (fisher * (stage.weights[name] - at).square()).sum().double()
        for task in tasks
        for name, (fisher, at) in task.items()
    )
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-2)
    grads = torch.autograd.grad(found, list(stage.weights.values()))
    for (name, weight), gradient in zip(stage.weights.items(), grads, strict=True):
        pulls = sum(7.0 * task[name][0] * (weight - task[name][1]) for task in tasks)
        torch.testing.assert_close(gradient, pulls, rtol=1e-3, atol=1e-3)


def test_where_a_task_left_off_nothing_pulls(live):
    stage = live()
    hook = ewc.Hook(ewc.Config(num_samples=3, strength=100.0))
    hook.before_stage(stage, {})
    assert hook.penalty(stage, {}, None) == 0.0
    kept = hook.after_stage(stage)
    after = ewc.Hook(ewc.Config(strength=100.0))
    after.before_stage(stage, kept)
    assert after.penalty(stage, {}, None).item() == pytest.approx(0.0, abs=1e-4)


def test_information_of_two_stages_adds_up(live):
    stage = live()
    first = ewc.Hook(ewc.Config(num_samples=3))
    first.before_stage(stage, {})
    one = first.after_stage(stage)
    second = ewc.Hook(ewc.Config(num_samples=3))
    second.before_stage(stage, one)
    two = second.after_stage(stage)
    for name in stage.weights:
        torch.testing.assert_close(two[f"fisher/{name}"], 2 * one[f"fisher/{name}"])


def test_lwf_says_nothing_at_the_first_stage_and_where_nothing_moved(live):
    for past, known in (((), 0), (("mini_geo",), 1)):
        stage = live(past=past)
        stage.adapted.train()
        hook = lwf.Hook(lwf.Config())
        hook.before_stage(stage, {})
        batch = lesson(stage)
        output = stage.adapted(**batch)
        assert bool(hook.teacher) == bool(known)
        assert float(torch.as_tensor(hook.penalty(stage, batch, output)).detach()) == pytest.approx(
            0, abs=1e-6
        )
        stage.base.model = stage.adapted.unload()


@pytest.mark.parametrize("method", ["lora", "branchlora"])
def test_lwf_is_the_divergence_from_the_teacher_written_out(live, method):
    stage = live(method)
    stage.adapted.train()
    hook = lwf.Hook(lwf.Config(strength=3.0, temperature=2.0))
    hook.before_stage(stage, {})
    batch = lesson(stage)
    with torch.no_grad():
        teacher = stage.adapted(**batch).logits
        for weight in stage.weights.values():
            weight.mul_(1.5)
    now = {name: weight.detach().clone() for name, weight in stage.weights.items()}
    output = stage.adapted(**batch)
    found = hook.penalty(stage, batch, output)
    wanted = []
    for row, labels in enumerate(batch["labels"]):
        terms = []
        for at in range(1, len(labels)):
            if labels[at] != IGNORED:
                p = (teacher[row, at - 1] / 2).softmax(-1)
                q = (output.logits[row, at - 1] / 2).softmax(-1)
                terms.append((p * (p.log() - q.log())).sum())
        wanted.append(torch.stack(terms).mean())
    torch.testing.assert_close(found, 3.0 * 4.0 * torch.stack(wanted).mean(), rtol=1e-4, atol=1e-6)
    assert all(torch.equal(weight, now[name]) for name, weight in stage.weights.items())
    found.backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in stage.weights.values())


def test_the_teachers_pass_counts_for_no_branch_and_no_key(live):
    counted = []
    for with_teacher in (False, True):
        stage = live("branchlora")
        stage.adapted.train()
        hook = lwf.Hook(lwf.Config())
        hook.before_stage(stage, {})
        batch = lesson(stage)
        output = stage.adapted(**batch)
        penalty = hook.penalty(stage, batch, output) if with_teacher else 0.0
        (output.loss + penalty + stage.tuner.extra_loss()).backward()
        counted.append({name: value.clone() for name, value in stage.tuner.running_state().items()})
        stage.base.model = stage.adapted.unload()
    assert counted[0].keys() == counted[1].keys()
    assert all(torch.equal(value, counted[1][name]) for name, value in counted[0].items())


def remembered(live, **config):
    """A replay hook after a stage on geo, at a stage on read."""
    first = live(task="mini_geo", past=())
    hook = replay.Hook(replay.Config(**config))
    hook.before_stage(first, {})
    kept = hook.after_stage(first)
    first.base.model = first.adapted.unload()
    stage = live()
    hook = replay.Hook(replay.Config(**config))
    hook.before_stage(stage, kept)
    return stage, hook, kept


def test_replay_takes_its_share_of_a_batch_from_earlier_tasks(live):
    stage, hook, kept = remembered(live, per_task=7, share=0.5)
    assert {name: len(set(at.tolist())) for name, at in kept.items()} == {"memory/mini_geo": 7}
    seen = Counter()
    for step, draw in enumerate(draw_batches(stage.examples, 4, 40, "x")):
        mixed = hook.samples(stage, draw, step)
        assert [prompt.task for prompt in mixed.prompts] == ["mini_read"] * 2 + ["mini_geo"] * 2
        assert mixed.prompts[:2] == draw.prompts[:2]
        assert len(mixed.answers) == 4
        seen.update(prompt.sample_id for prompt in mixed.prompts[2:])
        assert hook.samples(stage, draw, step) == mixed
    assert len(seen) == 7


def test_replay_keeps_the_memory_of_all_tasks(live):
    stage, hook, kept = remembered(live, per_task=3)
    after = hook.after_stage(stage)
    assert set(after) == {"memory/mini_geo", "memory/mini_read"}
    assert torch.equal(after["memory/mini_geo"], kept["memory/mini_geo"])


def test_replay_leaves_the_first_stage_alone(live):
    stage = live(past=())
    hook = replay.Hook(replay.Config())
    hook.before_stage(stage, {})
    draw = next(draw_batches(stage.examples, 4, 1, "x"))
    assert hook.samples(stage, draw, 0) is draw


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hooks.ewc.strength=1", r"--set hooks.ewc.strength: expected hooks.NAME.KEY=value of a hook in use"),
        ("hooks.replay.shore=1", r"--set hooks.replay: shore: unknown key 'shore'"),
        ("hooks.replay.share=2", r"--set hooks.replay: share: Input should be less than 1"),
    ],
)
def test_a_wrong_setting_of_a_hook_is_named(word, said):
    with pytest.raises(CvitBenchError, match=said):
        resolve(load_method("replay"), open_suite("mini")[1], [word])


def test_an_unknown_hook_is_named(pair, tmp_path):
    with pytest.raises(CvitBenchError, match=r"unknown hook 'reply' .* Did you mean 'replay'"):
        run_training("lora", pair, tmp_path / "run", hooks=["reply"], device="cpu")
