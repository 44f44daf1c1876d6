"""How strange a text is to a tokenizer, in words."""

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from headstart.corpora.forecast import english, english_splits, forecast, splits


def letters() -> Tokenizer:
    """Every character is a token of its own."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    return tokenizer


def test_tokens_per_word_by_hand() -> None:
    assert splits(letters(), ["ab c", "def"]) == (4 + 3) / 3
    assert splits(letters(), []) == 0


def test_the_english_sample_is_plain_sentences() -> None:
    assert len(english()) == 50
    assert all(line.endswith(".") and 8 <= len(line.split()) <= 30 for line in english())
    assert english_splits(letters()) > 4


def test_a_strange_text_is_called_strange() -> None:
    assert forecast(1.6, 1.2).endswith("the text is strange to the network: adapting may pay")
    assert forecast(1.25, 1.2).endswith("little to gain")
    said = forecast(1.2, 1.2, 3.0, 2.0)
    assert "loss 3.00 against 2.00" in said
    assert said.endswith("adapting may pay")
