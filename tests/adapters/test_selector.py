"""Task keys: the mean of normalised embeddings minimises the alignment loss; each sample selects alone."""

import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.selector import SelectorConfig, TaskSelector

WIDTHS = (5, 384)


def context(size, seed, pictures=None):
    """A context whose samples have an instruction and, where `pictures` says so, a picture."""
    generator = torch.Generator().manual_seed(seed)
    routing = Routing(instructions=torch.randn(size, WIDTHS[1], generator=generator))
    routing.observe(torch.full((size, 4), 7), None, None, 3, False)
    images = torch.randn(size, WIDTHS[0], generator=generator)
    if pictures is not None:
        images = images * torch.tensor(pictures).float().unsqueeze(1)
    routing.image_embeddings = images
    return routing


def selector(num_tasks=2, **settings):
    return TaskSelector(SelectorConfig(**settings), *WIDTHS, num_tasks)


def learned(num_tasks=3, size=12, seed=0, **settings):
    found, routing = selector(num_tasks, **settings), context(size, seed)
    routing.tasks = torch.arange(size) % num_tasks
    found.learn(routing)
    found.close_stage()
    return found, routing


def loss_of(embeddings, key):
    """L_align of one key: the sum of 1 − cos over its samples."""
    return (1 - cosine_similarity(embeddings, key.unsqueeze(0), dim=-1)).sum(0)


@pytest.mark.parametrize("part", ["image", "text"])
def test_no_direction_is_better_than_the_running_mean(part):
    found, routing = learned()
    embeddings = {"image": routing.image_embeddings, "text": routing.instructions}[part].double()
    for task in range(3):
        own = embeddings[routing.tasks == task]
        key = getattr(found.keys[task], part)
        wanted = loss_of(own, key)
        generator = torch.Generator().manual_seed(task)
        for size in (0.001, 0.1, 10.0):
            step = size * key.norm() * torch.randn(200, len(key), generator=generator, dtype=torch.float64)
            assert min(loss_of(own, near) for near in key + step) >= wanted
        assert loss_of(own, own.mean(0)) > wanted


def test_gradient_descent_on_the_loss_ends_at_the_running_mean():
    found, routing = learned(1)
    own = routing.image_embeddings.double()
    key = torch.ones(WIDTHS[0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([key], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        total = loss_of(own, key)
        total.backward()
        return total

    optimizer.step(loss)
    torch.testing.assert_close(
        normalize(key, dim=0), normalize(found.keys[0].image, dim=0), rtol=0, atol=1e-5
    )


def test_a_learned_key_has_the_loss_and_gradient_of_its_own_samples_only():
    found, routing = (
        selector(2, keys="learned", align_weight=3.0, text_weight=0.0),
        context(4, 1, [1, 0, 1, 1]),
    )
    routing.tasks = torch.tensor([0, 0, 1, 1])
    found.learn(routing)
    images = routing.image_embeddings
    wanted = loss_of(images[:1], found.keys[0].image) + loss_of(images[2:], found.keys[1].image)
    total = torch.stack(routing.extra_loss).sum()
    torch.testing.assert_close(total, 3.0 * wanted / 4)
    total.backward()
    assert found.keys[0].image.grad.any()
    assert found.keys[0].text.grad is None


def test_pictures_that_are_not_there_leave_the_image_key_alone():
    one, other = selector(1), selector(1)
    routing = context(4, 2, [1, 0, 1, 0])
    routing.tasks = torch.zeros(4, dtype=torch.long)
    one.learn(routing)
    few = context(4, 2)
    few.tasks, few.image_embeddings = (
        routing.tasks,
        few.image_embeddings * torch.tensor([[1.0], [0], [1], [0]]),
    )
    few.instructions[:] = 0
    other.learn(few)
    for found in (one, other):
        found.close_stage()
    assert torch.equal(one.keys[0].image, other.keys[0].image)
    wanted = normalize(routing.image_embeddings[[0, 2]], dim=-1).double().sum(0)
    torch.testing.assert_close(one.keys[0].image, wanted)


def test_keys_do_not_depend_on_how_samples_are_batched():
    whole, routing = learned(2, size=8)
    parts = selector(2)
    for at in (slice(0, 3), slice(3, 8)):
        part = context(len(routing.tasks[at]), 9)
        part.tasks, part.instructions = routing.tasks[at], routing.instructions[at]
        part.image_embeddings = routing.image_embeddings[at]
        parts.learn(part)
    parts.close_stage()
    for one, other in zip(whole.keys, parts.keys, strict=True):
        torch.testing.assert_close(one.image, other.image)
        torch.testing.assert_close(one.text, other.text)


def test_keys_of_earlier_tasks_stay_as_they_are():
    found, _ = learned(2)
    before = {name: value.clone() for name, value in found.state_dict().items()}
    found.begin(1)
    routing = context(4, 5)
    routing.tasks = torch.tensor([0, 1, 0, 1])
    found.learn(routing)
    found.close_stage()
    changed = {name for name, value in found.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"keys.1.image", "keys.1.text"}
    other = selector(2, keys="learned")
    other.begin(1)
    other.keep_fixed()
    assert [key.image.requires_grad for key in other.keys] == [False, True]


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 3.0), (1.0, 0.0), (0.0, 1.0)])
def test_scores_are_the_weighted_mean_of_the_cosines_a_sample_has(weights):
    image, text = weights
    found, _ = learned(3, image_weight=image, text_weight=text)
    pictures = [1, 1, 1, 1] if not text else [1, 0, 1, 0]
    routing = context(4, 7, pictures)
    scores = found.scores(routing)
    for sample in range(4):
        here = image * pictures[sample]
        for task, key in enumerate(found.keys):
            seen = cosine_similarity(routing.image_embeddings[sample].double(), key.image, dim=0)
            said = cosine_similarity(routing.instructions[sample].double(), key.text, dim=0)
            wanted = (here * seen + text * said) / (here + text)
            assert scores[sample, task].item() == pytest.approx(wanted.item(), abs=1e-5)


def test_selecting_in_a_mixed_batch_is_selecting_one_by_one():
    found, _ = learned(3)
    routing = context(16, 11, [1, 0] * 8)
    together = found.select(routing)
    assert set(together.tolist()) == {0, 1, 2}
    for sample, task in enumerate(together.tolist()):
        alone = context(1, 0)
        alone.instructions = routing.instructions[[sample]]
        alone.image_embeddings = routing.image_embeddings[[sample]]
        assert found.select(alone).tolist() == [task]


def test_samples_that_were_learned_are_recognised():
    found, routing = learned(4, size=4)
    assert found.select(routing).tolist() == [0, 1, 2, 3]


def test_a_whole_model_selects_alike_in_a_batch_and_alone(adapt, make_rows, make_batch, tell):
    adapted = adapt("branchlora", tasks=("a", "b", "c"), per_task_projector=True)
    rows = make_rows()
    routing = tell(adapted, [2, 0, 1])
    instructions = routing.instructions
    adapted.train()
    adapted(**make_batch(rows))
    adapted.base_model.close_stage()
    adapted.eval()
    for left in (False, True):
        routing.tasks, routing.instructions = None, instructions
        adapted(**make_batch(rows, left))
        assert routing.task_rows().tolist() == [2, 0, 1]
    for number, row in enumerate(rows):
        routing.instructions = instructions[[number]]
        adapted(**make_batch([row]))
        assert routing.task_rows().tolist() == [[2, 0, 1][number]]


def test_image_embeddings_are_the_mean_features_before_the_projector(
    adapt, make_base, make_rows, make_batch, tell
):
    adapted, base, rows = adapt("branchlora"), make_base(), make_rows()
    routing, batch = tell(adapted, [0, 1, 0]), make_batch(rows, left=True)
    seen = []
    base.model.multi_modal_projector.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        adapted(**batch)
        base(**batch)
    (features,) = seen
    means = features.reshape(2, -1, features.shape[-1]).mean(1)
    torch.testing.assert_close(routing.image_embeddings[[0, 2]], means)
    assert not routing.image_embeddings[1].any()
