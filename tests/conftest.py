"""Shared fixtures: a tiny backbone in the hub's own format, small files, no network, one thread."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two cores shared with others: more threads only wait for each other
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HEADSTART_CACHE_GB"] = "0"  # tests that want the cache on disk say where
os.environ["HEADSTART_BUDGET"] = "none"  # no clock in what a test comes to; those of the usual budget say so

import fcntl
import gc
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.costs import Costs
from tests.forked import Program
from tests.guarding import Guarding
from tests.schema_watch import watch_recipes

GUARDING = Guarding()  # before anything is imported that could unpickle
ROOT = Path(__file__).resolve().parents[1]
FEEDBACK = ROOT / "examples" / "feedback"
WORDS = [
    "good",
    "bad",
    "very",
    "rather",
    "indeed",
    "the",
    "a",
    "is",
    "it",
    "and",
    "you",
    "to",
    "on",
    "at",
    "way",
    "day",
    "night",
    "shop",
    "opens",
    "nine",
    "start",
    "end",
    "parcel",
    "now",
    "monday",
    "arrives",
    "say",
    "i",
    "all",
    "yours",
    "of",
    "its",
    ",",
    ".",
    "!",
]


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "electra": {"embedding_size": 16},
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 16,
        "norm_rel_ebd": "layer_norm",
        "pooler_hidden_size": 32,
    },
    "albert": {"embedding_size": 16},
    "xlnet": {"max_position_embeddings": None, "d_inner": 64, "d_head": 16},
    "gpt2": {"bos_token_id": None, "eos_token_id": None},
    "llama": {"num_key_value_heads": 1},
    "qwen2": {"num_key_value_heads": 1},
    "modernbert": {
        "global_attn_every_n_layers": 2,
        "local_attention": 8,
        "bos_token_id": None,
        "eos_token_id": None,
        "cls_token_id": 2,
        "sep_token_id": 3,
    },
    "t5": {
        "d_model": 32,
        "num_layers": 2,
        "num_heads": 2,
        "d_kv": 16,
        "d_ff": 64,
        "hidden_size": None,
        "num_hidden_layers": None,
        "num_attention_heads": None,
        "intermediate_size": None,
        "max_position_embeddings": None,
        "initializer_factor": 1.0,
        "decoder_start_token_id": 0,
    },
}
"""What a tiny network of an architecture needs beside the sizes that all have; None leaves one out."""


def make_tiny_backbone(folder: Path, architecture: str = "bert", **changes: Any) -> Path:
    """A random network of two layers with a word-piece tokenizer, saved as the hub has it."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import CONFIG_MAPPING, MODEL_MAPPING

    letters = [chr(code) for code in range(97, 123)]
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *("##" + letter for letter in letters)]
    vocabulary = {word: at for at, word in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 48, "pad_token": "[PAD]", '
        '"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]", "mask_token": "[MASK]"}'
    )
    sizes: dict[str, Any] = {
        "vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 64, "pad_token_id": 0,
    }  # fmt: skip
    given = sizes | ARCHITECTURES.get(architecture, {}) | changes
    wanted = {name: value for name, value in given.items() if value is not None}
    config = CONFIG_MAPPING[architecture](**wanted)
    torch.manual_seed(7)
    MODEL_MAPPING[type(config)](config).save_pretrained(folder)
    return folder


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Costs(config), "costs")
    config.pluginmanager.register(GUARDING, "guarding")
    watch_recipes()


def pytest_collection_finish() -> None:
    """What thousands of tests are is no garbage: walks over all objects leave it out from now on."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def exact_products() -> Iterator[None]:
    """Products in float32 on every machine; tests of the fast ones say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headstart.runtime.precision.has_fast_products", lambda *_: False)
        yield


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random BERT."""
    return make_tiny_backbone(tmp_path_factory.mktemp("backbones") / "tiny-bert")


@pytest.fixture(scope="session")
def make_backbone() -> Callable[..., Path]:
    """`make_tiny_backbone`, for tests that need another architecture; a size given as None is left out."""
    return make_tiny_backbone


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The command line in forks of one process that has imported all."""
    with Program(tmp_path_factory.mktemp("forked")) as found:
        yield found


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a folder, only to be read, that all processes of a test run share: the first one to ask makes it."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = place / f"once-{name}", place / f"once-{name}.done"
        with (place / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder beside the sources, where temporary folders may lie in memory."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        yield Path(folder)


@pytest.fixture
def tiny_csv(tmp_path: Path) -> Path:
    """Sixty rows, two labels told apart by a word, with a channel column."""
    openings = ["the parcel is", "it is", "a day and a night", "you say it is", "the shop is", "now it is"]
    rows = ["text,label,channel"]
    for at in range(60):
        word, label = (("good", "up"), ("bad", "down"))[at % 2]
        middle = " ".join(
            WORDS[(at * step) % len(WORDS)] for step in (3, 5, 7) if WORDS[(at * step) % len(WORDS)].isalpha()
        )
        rows.append(f"{openings[at % 6]} {word} {middle},{label},{'mail' if at % 3 else 'chat'}")
    path = tmp_path / "tiny.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data sets; skips where it is absent."""
    folder = Path(os.environ.get("HEADSTART_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set HEADSTART_DATA")
    return folder
