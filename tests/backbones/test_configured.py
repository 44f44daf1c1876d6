"""Networks made by configuration: shapes, parameters, what transformers reads back, what is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models

from headstart.backbones.base import Inputs
from headstart.backbones.configured import DECODERS, ENCODERS, SIZES, blank, configuration
from headstart.backbones.encoder import TextEncoder, quiet
from headstart.backbones.location import ARCHITECTURES, Located
from headstart.errors import RecipeError, StorageError

WORDS = 40
POSITIONS = 48
SPECIAL = {"bos": 0, "cls": 0, "pad": 1, "eos": 2, "sep": 2, "unk": 3, "mask": 4}
KINDS = [*ENCODERS, *DECODERS]
every_architecture = pytest.mark.parametrize("kind", KINDS)


def configured(kind: str, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"size": "tiny", "vocabulary": WORDS, "positions": POSITIONS, "special": SPECIAL}
    return configuration(kind, **(given | changes))


def located(folder: Path, config: Mapping[str, Any], **changes: Any) -> Located:
    vocabulary = {f"w{at}": at for at in range(WORDS)}
    Tokenizer(models.WordLevel(vocabulary, unk_token="w3")).save(str(folder / "tokenizer.json"))
    given: dict[str, Any] = {"max_length": POSITIONS}
    return blank(folder, config, **(given | changes))


def parameters(network: TextEncoder) -> int:
    return sum(weights.numel() for weights in network.parameters())


def assert_states(network: TextEncoder, layers: int, hidden: int) -> None:
    assert (network.depth, network.hidden_size, network.tokenizer.max_length) == (layers, hidden, POSITIONS)
    assert len(network.blocks()) == layers + 1
    ids = torch.randint(5, WORDS, (2, POSITIONS), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    ids[1, 9:], mask[1, 9:] = network.tokenizer.pad_id, 0
    with torch.no_grad():
        for some, seen in ((ids[:1], mask[:1]), (ids, mask)):  # with and without padding
            encoding = network.eval().encode(Inputs(some, seen), layers=True)
            assert encoding.hidden.shape == (len(some), POSITIONS, hidden)
            assert len(encoding.layers) == layers + 1
            assert encoding.hidden[seen.bool()].isfinite().all()


@every_architecture
def test_a_network_reads_texts_of_full_length(kind: str, tmp_path: Path) -> None:
    assert_states(TextEncoder(located(tmp_path, configured(kind)), pretrained=False), 2, 128)


@pytest.mark.parametrize("kind", ["bert", "qwen3"])
def test_a_small_network_has_its_own_shape(kind: str, tmp_path: Path) -> None:
    assert_states(TextEncoder(located(tmp_path, configured(kind, size="small")), pretrained=False), 4, 512)


@every_architecture
def test_layers_width_and_heads_can_be_given(kind: str, tmp_path: Path) -> None:
    config = configured(kind, size="base", layers=3, hidden=24, heads=4)
    network = TextEncoder(located(tmp_path, config), pretrained=False)
    assert_states(network, 3, 24)
    assert network.network.config.num_attention_heads == 4


@every_architecture
def test_transformers_reads_back_what_was_written(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig

    config = configured(kind)
    assert kind in ARCHITECTURES
    assert located(tmp_path, config).config == config == json.loads((tmp_path / "config.json").read_text())
    with quiet():
        found = AutoConfig.from_pretrained(tmp_path)
    assert found.model_type == kind
    known = found.to_dict()
    for key, value in config.items():
        assert getattr(found, key) == value, key
        assert known[key] == value, f"{key} is not a field of {kind}"
    assert (found.vocab_size, found.num_hidden_layers, found.hidden_size, found.num_attention_heads) == (40, 2, 128, 2)
    assert (found.pad_token_id, found.bos_token_id, found.eos_token_id) == (1, 0, 2)
    assert found.tie_word_embeddings is True
    if kind == "modernbert":
        assert (found.cls_token_id, found.sep_token_id) == (0, 2)


@every_architecture
def test_token_ids_that_a_tokenizer_lacks_are_left_open(kind: str) -> None:
    config = configured(kind, special={"pad": 1})
    assert (config["pad_token_id"], config["bos_token_id"], config["eos_token_id"]) == (1, None, None)


@pytest.mark.parametrize(("size", "layers", "hidden"), [("tiny", 2, 128), ("small", 4, 512), ("base", 12, 768)])
def test_a_bert_has_the_parameters_that_its_shape_says(size: str, layers: int, hidden: int, tmp_path: Path) -> None:
    # Words, positions, two segments and a norm; per layer four square matrices, two of 4 widths, biases and two norms.
    embeddings = (WORDS + POSITIONS + 2 + 2) * hidden
    layer = 4 * (hidden * hidden + hidden) + (8 * hidden * hidden + 5 * hidden) + 4 * hidden
    config = configured("bert", size=size)
    assert SIZES[size][:2] == (layers, hidden)
    with torch.device("meta"):
        network = TextEncoder(located(tmp_path, config), pretrained=False)
    assert parameters(network) == embeddings + layers * layer


def test_a_bert_of_base_size_is_the_published_one(tmp_path: Path) -> None:
    config = configuration("bert", size="base", vocabulary=30522, positions=512, special={"pad": 0})
    with torch.device("meta"):
        network = TextEncoder(located(tmp_path, config), pretrained=False)
    assert parameters(network) == 109_482_240 - 590_592  # less the pooler


H, F = 512, 1408  # 8/3 of 512 is 1365.3, the next multiple of 64 is 1408
SQUARE, WIDE = 4 * (H * H + H), 8 * H * H + 5 * H
PARAMETERS = {
    # As BERT, and no projection of its embeddings.
    "electra": (WORDS + POSITIONS + 2 + 2) * H + 4 * (SQUARE + WIDE + 4 * H),
    # Positions are 2 x 24 buckets with a norm of their own; keys and queries of positions are those of words.
    "deberta-v2": (WORDS + 2) * H + (2 * 24 + 2) * H + 4 * (SQUARE + WIDE + 4 * H),
    # No biases, three matrices with a gate, two norms a layer and one at the end.
    "llama": WORDS * H + 4 * (4 * H * H + 3 * H * F + 2 * H) + H,
    # Biases for queries, keys and values.
    "qwen2": WORDS * H + 4 * (4 * H * H + 3 * H + 3 * H * F + 2 * H) + H,
    # Two norms as wide as a head.
    "qwen3": WORDS * H + 4 * (4 * H * H + 2 * 64 + 3 * H * F + 2 * H) + H,
}


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_other_networks_have_the_parameters_that_their_shape_says(kind: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        network = TextEncoder(located(tmp_path, configured(kind, size="small")), pretrained=False)
    assert parameters(network) == PARAMETERS[kind]


@pytest.mark.parametrize(
    ("kind", "hidden", "expected"), [("bert", 128, 512), ("gpt2", 128, 512), ("distilbert", 128, 512), ("electra", 128, 512),
                                     ("modernbert", 768, 1152), ("llama", 768, 2048), ("qwen2", 128, 384), ("qwen3", 512, 1408)]
)  # fmt: skip
def test_the_feed_forward_part_has_its_width(kind: str, hidden: int, expected: int) -> None:
    config = configured(kind, hidden=hidden, heads=2)
    names = ("intermediate_size", "n_inner", "hidden_dim")
    assert [config[name] for name in names if name in config] == [expected]


@pytest.mark.parametrize("pad", [0, 1, 5])
def test_positions_of_roberta_begin_after_the_padding_id(pad: int, tmp_path: Path) -> None:
    config = configured("roberta", special=SPECIAL | {"pad": pad})
    assert config["max_position_embeddings"] == POSITIONS + {0: 2, 1: 2, 5: 6}[pad]
    assert_states(TextEncoder(located(tmp_path, config), pretrained=False), 2, 128)


def test_mpnet_wants_its_own_id_for_padding() -> None:
    with pytest.raises(
        RecipeError, match=r"special.pad: mpnet takes id 1 for padding and this tokenizer pads with id 0"
    ):
        configured("mpnet", special={"pad": 0, "unk": 1})
    assert configured("mpnet")["max_position_embeddings"] == POSITIONS + 2


def test_encoders_drop_states_and_decoders_do_not(tmp_path: Path) -> None:
    def rates(kind: str) -> set[float]:
        network = TextEncoder(located(tmp_path, configured(kind)), pretrained=False)
        return {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)}

    assert 0.1 in rates("bert") and 0.1 in rates("electra") and 0.1 in rates("distilbert")
    assert rates("gpt2") == {0.0} and rates("llama") <= {0.0}


def test_networks_are_called_by_architecture_and_size(tmp_path: Path) -> None:
    small = located(tmp_path, configured("gpt2", size="small"))
    assert small.identity == "gpt2-small"
    assert (small.folder, small.source.location, small.source.max_length) == (tmp_path, str(tmp_path), POSITIONS)
    assert located(tmp_path, configured("distilbert", layers=3)).identity == "distilbert-3x128"
    assert located(tmp_path, configured("bert"), identity="mine").identity == "mine"


def test_what_is_not_known_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        RecipeError, match=r"2 problems:\n.*'brt'; did you mean 'bert'\?.*\n.*'smal'; did you mean 'small'\?"
    ):
        configured("brt", size="smal")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden": 130, "heads": 4}, "hidden: 130 is not divisible by heads, which are 4"),
        ({"kind": "llama", "hidden": 12, "heads": 4}, "12 by 4 heads makes heads 3 wide; llama needs an even width"),
        ({"layers": 0}, "layers: 0 is not a number of layers"),
        ({"heads": 0}, "heads: 0 is not a number of heads"),
        ({"hidden": -8}, "hidden: -8 is not a number of hidden"),
        ({"positions": 7}, r"positions: 7 is outside \[8, 131,072\]"),
        ({"positions": 131_073}, r"positions: 131,073 is outside \[8, 131,072\]"),
        ({"vocabulary": 0, "special": {}, "kind": "gpt2"}, r"vocabulary: 0 is outside \[1, 1,000,000\]"),
        ({"vocabulary": 1_000_001}, r"vocabulary: 1,000,001 is outside"),
        ({"special": {"pad": 40}}, "special.pad: id 40 is outside a vocabulary of 40"),
        ({"special": {}}, "special.pad: bert needs a token for padding"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(changes: dict[str, Any], said: str) -> None:
    given = dict(changes)
    with pytest.raises(RecipeError, match=said):
        configured(given.pop("kind", "bert"), **given)


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(RecipeError, match="4 problems"):
        configured("bert", hidden=130, heads=4, positions=7, vocabulary=0, special={"pad": 0})


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"config\.json cannot be written"):
        blank(tmp_path / "none", configured("bert"), max_length=16)
