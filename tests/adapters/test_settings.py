"""Settings that do not fit one another are refused, with the name of the one to change."""

import pytest
from pydantic import ValidationError

from cvit_bench import plugins


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("moelora", {"num_experts": 3}, "num_experts: 3 must divide the rank 128"),
        ("hydralora", {"num_heads": 5, "rank": 8}, "num_heads: 5 must divide the rank 8"),
        ("branchlora", {"num_branches": 6}, "num_branches: 6 must divide the rank 128"),
        ("branchlora", {"num_branches": 2, "top_k": 3}, "top_k: 3 of 2 branches"),
        ("branchlora", {"per_task_projector": True, "projector": "adapt"}, "needs projector: train"),
        ("branchlora", {"image_weight": 0, "text_weight": 0}, "one of them must be above 0"),
        ("smolora", {"num_experts": 6}, "num_experts: 6 must divide the rank 128"),
        ("smolora", {"num_experts": 3, "rank": 9}, "num_experts: 3 must be even"),
        ("smolora", {"top_k": 5}, "top_k: 5 of 4 blocks a group"),
        ("smolora", {"vu_pooling": "prompt_only"}, "vu_pooling: prompt_only needs decode_route: cached"),
    ],
)
def test_what_does_not_fit_is_refused(method, settings, message):
    with pytest.raises(ValidationError, match=message):
        plugins.load(plugins.ADAPTERS, method).Config(**settings)


def test_the_rank_is_divided_among_the_parts():
    ranks = {name: plugins.load(plugins.ADAPTERS, name).Config().part_rank for name in ("smolora", "lora")}
    assert ranks == {"smolora": 16, "lora": 128}
