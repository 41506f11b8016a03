"""Small sound files of the kinds that no toy run leaves behind."""

HASH = "0" * 64
SMALL = {
    "selftest": {
        "schema_version": 1,
        "stages": {"00-base": HASH},
        "checks": [{"name": "alone", "prompts": 4, "differing": 1, "examples": []}],
        "placement": {"device": "cpu", "dtype": "float32"},
        "packages": {"torch": "2.13.0"},
    },
    "routing": {
        "schema_version": 1,
        "tasks": {"fruit": {"samples": 4, "alpha": 0.5, "selected": {"fruit": 3, "pick": 1}}},
        "branches": {"num_layers": 2, "num_branches": 4, "frozen": 0.25, "frozen_only": 1},
    },
    "training": {
        "schema_version": 1,
        "origin": HASH,
        "data_sha256": HASH,
        "steps": 2,
        "samples": 4,
        "adapter_sha256": HASH,
        "losses": [0.5, 0.25],
    },
    "typed": {
        "schema_version": 1,
        "suite": "toy",
        "suite_version": 1,
        "stages": [{"name": "00-base"}, {"name": "01-fruit", "tasks": ["fruit"]}],
        "tasks": ["fruit", "pick"],
        "values": [[10.0, 20.5], [90.0, None]],
    },
    "adapter": {
        "peft_type": "LORA",
        "r": 2,
        "lora_alpha": 4,
        "target_modules": ["q_proj"],
        "settings": {"instruction_key": "sample", "text_weight": 0.5},
    },
    "save": {"origin": HASH, "processes": 1, "losses": [0.5]},
    "lock": {"doing": "train", "pid": 1, "host": "here", "since": "2020-01-01 00:00:00"},
}
