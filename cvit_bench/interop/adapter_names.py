"""Names of weights in LLaVA adapters that were trained elsewhere, in the words of transformers 5.

LLaVA's own repository     base_model.model.model.layers.0.…        model.mm_projector.0.weight
transformers before 4.52   base_model.model.language_model.model.layers.0.…    multi_modal_projector.…
transformers 5             base_model.model.model.language_model.layers.0.…    model.multi_modal_projector.…
"""

import re
from collections.abc import Iterable
from typing import Any

from cvit_bench.errors import CvitBenchError

WRAPPED = "base_model.model."
PROJECTOR = "model.multi_modal_projector"
_RULES = (
    (r"model\.mm_projector\.0\.", f"{PROJECTOR}.linear_1."),
    (r"model\.mm_projector\.2\.", f"{PROJECTOR}.linear_2."),
    (r"model\.layers\.", "model.language_model.layers."),
    (r"language_model\.model\.", "model.language_model."),
    (r"language_model\.lm_head\.", "lm_head."),
    (r"multi_modal_projector\.", f"{PROJECTOR}."),
    (r"vision_tower\.", "model.vision_tower."),
)
_PLACES = ("model.language_model.", "model.vision_tower.", f"{PROJECTOR}.", "lm_head.")
_MIXTURE = re.compile(r"\.lora_[AB]\.(lora[AB]\.\d+|experts?\.|.*\b(router|gate)\b)|lora_(route|router|gate)")
_LORA = re.compile(r"^(?P<layer>.+)\.lora_(?P<side>A|B)(\.default)?\.weight$")


def is_old(names: Iterable[str]) -> bool:
    """Tell whether some name is of an older kind."""
    return any(_place(name) is None for name in names)


def new_name(name: str) -> str:
    """Return a weight's name as PEFT keys it on transformers 5; raise with the reason where there is none."""
    if _MIXTURE.search(name):
        raise CvitBenchError(
            f"{name}: is part of a mixture of adapters of another code base, whose routing is not here"
        )
    plain = name.removeprefix(WRAPPED)
    for pattern, now in _RULES:
        if _place(plain) is None:
            plain = re.sub(f"^{pattern}", now, plain)
    if _place(plain) is None:
        raise CvitBenchError(
            f"{name}: is neither a name of LLaVA's own repository nor of transformers "
            "(known: model.layers, model.mm_projector, language_model.model, multi_modal_projector, "
            "vision_tower)"
        )
    return WRAPPED + plain.replace(".default.weight", ".weight")


def _place(name: str) -> str | None:
    plain = name.removeprefix(WRAPPED)
    return next((place for place in _PLACES if plain.startswith(place)), None)


def new_config(config: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a LoRA configuration whose places are exactly those that `names`, new ones, have weights for.

    Raises CvitBenchError where the adapter is not a LoRA.
    """
    if config.get("peft_type") != "LORA":
        raise CvitBenchError(
            f"peft_type: {config.get('peft_type')}: only LoRA adapters are converted from older names"
        )
    found = [(name.removeprefix(WRAPPED), _LORA.match(name)) for name in names]
    layers = {match["layer"].removeprefix(WRAPPED) for _, match in found if match}
    whole = sorted({name.rsplit(".", 1)[0] for name, match in found if match is None})
    strangers = [name for name in whole if not name.startswith(PROJECTOR)]
    if strangers:
        raise CvitBenchError(f"{strangers[0]}: trained in full outside the projector, which no adapter holds")
    folded = {re.sub(r"(?<=\\\.)\d+(?=\\\.)", r"\\d+", re.escape(name)) for name in layers}
    return {
        **config,
        "target_modules": "|".join(sorted(folded)),
        "modules_to_save": [PROJECTOR] if whole else None,
        "task_type": None,
        "base_model_name_or_path": None,
    }
