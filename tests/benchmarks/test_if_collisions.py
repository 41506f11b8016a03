"""How often random IF routes meet depends on the cosine of two instructions, as measured for the release."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import if_collisions
from benchmarks.if_collisions import blocks_used, chosen_blocks, cosines, instructions, meetings, routers
from cvit_bench.data.instruction_embeddings import instruction_embedding
from cvit_bench.data.library import open_library

DRAWS = 100_000
RELEASED = {0.45: 0.435, 0.11: 0.29, 0.27: 0.354, 0.25: 0.345, 0.49: 0.455, 0.53: 0.475, 0.72: 0.591}
"""P(same block) of SMoLoRA's own single instructions, by cosine, with four blocks."""


def unit_pairs(angles):
    """Pairs of random unit vectors with the given cosines, one below the other, [2 · pairs, 384]."""
    one, other = torch.linalg.qr(torch.randn(384, 2, generator=torch.Generator().manual_seed(0)))[0].t()
    return torch.stack([row for c in angles for row in (one, c * one + (1 - c * c) ** 0.5 * other)])


def bundled():
    """The first wording of every bundled template."""
    library = open_library()
    templates = [library.template(name) for name in sorted(library.templates)]
    rows = [instruction_embedding(template, template.variants[0]) for template in templates]
    return torch.from_numpy(np.stack(rows))


@pytest.fixture(scope="module")
def shares():
    """P(same block) of the released cosines in turn, and of each pair of bundled instructions."""
    pairs, own = unit_pairs(RELEASED), bundled()
    found = meetings(chosen_blocks(torch.cat([pairs, own]), DRAWS))
    return found[torch.arange(0, len(pairs), 2), torch.arange(1, len(pairs), 2)], found[
        len(pairs) :, len(pairs) :
    ]


def test_instructions_meet_as_often_as_the_released_ones_did(shares):
    torch.testing.assert_close(shares[0], torch.tensor(list(RELEASED.values())), atol=0.005, rtol=0)


def test_only_the_cosine_matters(shares):
    angles = cosines(bundled())
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, DRAWS, 4, generator=generator)
    for one in range(len(angles)):
        for other in range(one):
            c = angles[one, other]
            wanted = (a.argmax(1) == (c * a + (1 - c * c).sqrt() * b).argmax(1)).float().mean()
            assert shares[1][one, other] == pytest.approx(wanted.item(), abs=0.01), float(c)


def test_routers_are_those_of_a_linear_layer_and_never_the_same():
    drawn = torch.cat(list(routers(3000, 4, 0)))
    assert drawn.shape == (3000, 4, 384)
    bound = 384**-0.5
    assert 0.999 * bound < drawn.abs().max() <= bound
    assert drawn.std() == pytest.approx(bound / 3**0.5, rel=1e-3)
    assert len(drawn[:, 0, 0].unique()) > 2990


def test_meetings_and_blocks_are_counted():
    chosen = torch.tensor([[0, 0, 1], [2, 1, 1], [3, 3, 3], [1, 2, 0]])
    assert meetings(chosen).tolist() == [[1, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 1]]
    assert blocks_used(chosen) == (2 + 2 + 1 + 3) / 4


def test_tasks_of_one_template_are_one_instruction():
    names, rows = instructions("mini", "task_row")
    assert len(names) == len(rows) == 4
    assert "short_answer (mini_read, mini_scene, mini_shapes)" in names
    means = instructions("mini", "family_mean")[1]
    assert not torch.equal(rows, means)


def test_methods_has_the_table_that_the_command_gives(capsys):
    assert if_collisions.main(["--draws", "20000", "--threads", str(torch.get_num_threads())]) == 0
    said = capsys.readouterr().out
    text = (Path(__file__).parents[2] / "methods.md").read_text(encoding="utf-8")
    for line in (line for line in said.splitlines() if line.startswith("| ") and "cosine" not in line):
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        (kept,) = [row for row in text.splitlines() if row.startswith(f"| {name} |")]
        numbers = [[float(n) for n in re.findall(r"\d\.\d+", row)] for row in (kept, " ".join(cells))]
        assert numbers[0] == pytest.approx(numbers[1], abs=0.02)
        assert numbers[0]
