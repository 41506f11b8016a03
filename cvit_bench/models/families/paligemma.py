"""PaliGemma 1 and 2: SigLIP tower, linear projector, Gemma; a prompt attends to itself in both directions."""

from cvit_bench.models.family import Family

CHAT = (
    "{% for part in messages[0]['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
)
"""PaliGemma knows no chats: a prompt is the picture and the words, its processor adds the rest."""

FAMILY = Family(
    "paligemma",
    projector="model.multi_modal_projector",
    chat_template=CHAT,
    answer_kind=1,
    causal=False,
)
