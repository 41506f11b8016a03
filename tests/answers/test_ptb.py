import pytest

from cvit_bench.answers.ptb import ptb_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A Man, a horse!", "a man a horse"),
        ("The man's dog doesn't run", "the man 's dog does n't run"),
        ("It’s 5:30; a well-lit T-shirt costs $5.99.", "it 's 5:30 a well-lit t-shirt costs $ 5.99"),
        ("(women) \"quoted\" -- and... 'so'", "women quoted and so"),
        ("They cannot, they can't, o'clock", "they can not they ca n't o'clock"),
        ("red & blue, 50% off", "red & blue 50 % off"),
        ("snow.Dogs", "snow.dogs"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_tokens(text, tokens):
    assert " ".join(ptb_tokens(text)) == tokens
