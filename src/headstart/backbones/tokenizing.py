"""Texts to token ids through the `tokenizers` library alone, so that prediction needs no transformers import."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tokenizers
from tokenizers import Encoding, Tokenizer
from tokenizers.processors import TemplateProcessing

from headstart.backbones.folders import (
    BESIDE,
    CHAT_TEMPLATE,
    SETTINGS,
    as_mapping,
    read,
)
from headstart.backbones.piece_framing import PieceFraming
from headstart.backbones.prompts import prompt_of, put_prompt
from headstart.backbones.questions import PairFrame, read_questions
from headstart.backbones.tokenizer_checks import naming_faults
from headstart.backbones.words import read_words
from headstart.data.cache import no_cache
from headstart.data.columns import texts_digest
from headstart.data.long_texts import TokenRows, in_windows
from headstart.data.questions import AskedText
from headstart.data.tokens import Tokens, TokenWriter, read_arrow, write_arrow
from headstart.data.windows import OVERLAP
from headstart.data.words import Words
from headstart.errors import ModelError

KIND = "tokens"
LEAST_TEXTS = 2000
"""Texts below which tokenising again is no slower than looking up."""
CHUNK = 10_000
"""Texts handed to the tokenizer at once: keeps memory flat and the threads busy."""

UNKNOWN = 4
"""Pieces that a token counts as which stands for what the vocabulary does not have."""
OF_THE_FOLDER = ("auto_map", "name_or_path", "max_length")
"""Keys of `tokenizer_config.json` that are not handed on."""


class TextTokenizer:
    """A fast tokenizer with a length limit; once it is made, the folder that it came from need not be there any more.

    Args:
        tokenizer: of the `tokenizers` library, with its post-processor (special tokens) set.
        max_length: most tokens per text, special tokens included.
        pad_id: id written where a batch is padded; masked, so any valid id does.
        folder: where it came from, whose other files say which tokens stand for no text.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int, *, folder: Path | None = None) -> None:
        self.folder = folder
        self.max_length = max_length
        self.pad_id = pad_id
        self.cache = no_cache()
        """Where the ids of many texts are kept from run to run."""
        self.overlap: int | None = None
        """Tokens that neighbouring windows of a long text have in common, see `usual_overlap`; None where it is cut."""
        self.prefix = ""
        """What stands in front of each text, such as `translate English to German: `; of pairs and words nothing does."""
        self.words: int | None = None
        """Words that the network has embeddings for; ids beyond them are refused. None where that is not known."""
        found = {} if folder is None else {name: read(folder, name) for name in (*BESIDE, SETTINGS)}
        self._beside = {name: content for name, content in found.items() if content is not None}
        self._settings = as_mapping(self._beside.get(SETTINGS, b"{}"), (folder or Path()) / SETTINGS)
        self._tokenizer = tokenizer
        with naming_faults(f"the tokenizer in {folder} cannot be used"):
            tokenizer.no_padding()
            tokenizer.enable_truncation(max_length)
            self.prompt = prompt_of(tokenizer)
        """What its template puts in front of each text that is read alone, such as `query: `, see `put_prompt`."""

    def put_prompt(self, prompt: str) -> bool:
        """Have the template put a prompt in front of each text that is read alone, or none where it is empty.

        Returns:
            Whether it has a place, see `prompts.put_prompt`; nothing is changed where it has none.
        """
        if not put_prompt(self._tokenizer, prompt):
            return False
        self.prompt = prompt
        self._found_again()
        return True

    def _found_again(self) -> None:
        """Forget what follows from the tokens around a text."""
        for name in ("_whole", "_from_the_end", "border", "_frame", "framing"):
            self.__dict__.pop(name, None)

    @property
    def usual_overlap(self) -> int:
        """A quarter of what a window holds of a text."""
        return int(OVERLAP * self._room)

    @property
    def _room(self) -> int:
        """Most tokens of a text beside its special ones."""
        before, after = self._frame
        return self.max_length - len(before) - len(after)

    def read(self, inputs: Sequence[Any]) -> TokenRows:
        """Token ids of what a task's examples have as `input`: texts, pairs of texts, words, or questions about texts.

        Raises:
            ModelError: the tokenizer has no token for something in them, or fails in another way.
        """
        with self.naming_faults():
            return self._read(inputs)

    def naming_faults(self) -> AbstractContextManager[None]:
        """What fails within it is a `ModelError` that names the tokenizer's folder."""
        return naming_faults(f"the tokenizer{f' of {self.folder}' if self.folder else ''} fails on a text")

    def _read(self, inputs: Sequence[Any]) -> TokenRows:
        if self.overlap is not None and len(inputs) and isinstance(inputs[0], str):
            before, after = self._frame
            if self.overlap >= self._room:
                raise ModelError(
                    f"windows of {self.max_length} tokens cannot have {self.overlap} in common with their neighbours"
                )
            uncut = self._kept(inputs, lambda: f"{self.pad_id} {self._whole.to_str()}", self.uncut)
            return in_windows(uncut, room=self._room, overlap=self.overlap, before=before, after=after)
        if not len(inputs) or not isinstance(inputs[0], Words | AskedText):
            return self.encode(inputs)
        unknown = next((self.special[role] for role in ("unk", "mask", "pad") if role in self.special), self.pad_id)
        options = {"max_length": self.max_length, "unknown": unknown}
        if isinstance(inputs[0], AskedText):
            frame = PairFrame.of(self._whole, self.special.get("cls"))
            found = read_questions(self._whole, inputs, frame=frame, **options)
        else:
            before, after = self._frame
            found = read_words(self._whole, inputs, before=before, after=after, **options)
        self.refuse_foreign(found.flat)
        return found

    def refuse_foreign(self, ids: np.ndarray) -> None:
        """Refuse ids that the network has no embedding for.

        Raises:
            ModelError: there is such an id among them.
        """
        if self.words is not None and (largest := int(ids.max(initial=self.pad_id))) >= self.words:
            raise ModelError(
                f"the tokenizer in {self.folder} gives the id {largest:,}, the network has {self.words:,} words: it belongs to "
                "another network; take the tokenizer that came with the network"
            )

    def encode(
        self, texts: Sequence[str] | Sequence[tuple[str, str]], *, kept: Literal["first", "last"] = "first"
    ) -> Tokens:
        """Tokenise texts or pairs of them, on all cores; what is beyond the limit is cut off and counted in `lost`.

        Of a pair the longer text is cut first. `kept` says which end of a text stays.

        An empty result (a decoder's tokenizer on an empty text) becomes one padding token, so every text has a state.
        """
        tokenizer = self._tokenizer if kept == "first" else self._from_the_end
        if self.prefix:
            texts = [self.prefix + text for text in texts]  # type: ignore[operator]
        with self.naming_faults():
            return self._kept(
                texts,
                lambda: f"{self.max_length} {self.pad_id} {tokenizer.to_str()}",
                lambda some: self._encoded(some, tokenizer),
            )

    def _kept(self, texts: Sequence[Any], state: Callable[[], str], make: Callable[[Sequence[Any]], Tokens]) -> Tokens:
        """Ids of texts, many of which are kept from run to run.

        Args:
            texts: or pairs of them.
            state: gives all that ids depend on beside the texts.
            make: gives them.
        """
        found = (
            self._looked_up(texts, state(), make) if len(texts) >= LEAST_TEXTS and self.cache.room() else make(texts)
        )
        self.refuse_foreign(found.flat)
        return found

    def _looked_up(self, texts: Sequence[Any], state: str, make: Callable[[Sequence[Any]], Tokens]) -> Tokens:
        digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
        key = {"tokenizer": digest, "texts": texts_digest(texts), "version": tokenizers.__version__}
        path = self.cache.find(KIND, key)
        try:
            if path is not None:
                return read_arrow(path)
            found = make(texts)
            size = found.flat.nbytes + found.offsets.nbytes + found.lost.nbytes
            path = self.cache.keep(KIND, key, size, lambda path: write_arrow(path, found))
            return found if path is None else read_arrow(path)
        except (OSError, ValueError):  # another process is clearing the cache
            return make(texts)

    @cached_property
    def special(self) -> Mapping[str, int]:
        """Ids that stand for no text, by role: `pad`, `bos`, `eos`, `cls`, `sep`, `unk`, `mask`, those that there are."""
        from headstart.backbones.vocabulary import special_ids, special_ids_of

        stated = special_ids_of(self.folder) if self.folder is not None and self.folder.is_dir() else {}
        return special_ids(self._tokenizer) | stated

    @cached_property
    def _whole(self) -> Tokenizer:
        return self.plain

    def whole(self, text: str) -> Encoding:
        """All of a text as it stands there, with the places of its tokens, nothing put around it or cut off.

        Raises:
            ModelError: the tokenizer fails on it.
        """
        with self.naming_faults():
            return self._whole.encode(text, add_special_tokens=False)

    def framed_text(self, given: str | tuple[str, str]) -> Encoding:
        """What is read of a text or a pair alone: ids up to the limit with those around them, and the places of the tokens.

        Raises:
            ModelError: the tokenizer fails on it.
        """
        with self.naming_faults():
            return self._tokenizer.encode(given) if isinstance(given, str) else self._tokenizer.encode(*given)

    def fits(self, text: str) -> bool:
        """Whether a text is read in one window."""
        return len(self.whole(text).ids) <= self._room

    def read_ends(self, texts: Sequence[str], *, together: bool) -> tuple[int, ...]:
        """How many characters are read of a text, or of each text of a pair.

        Args:
            texts: one, or two.
            together: whether the two pass the network as one input.
        """
        if self.overlap is not None and len(texts) == 1:
            return (len(texts[0]),)
        if len(texts) > 1 and not together:
            return tuple(self.read_ends((text,), together=True)[0] for text in texts)
        found = self.framed_text(texts[0] if len(texts) == 1 else (texts[0], texts[1]))
        if not found.overflowing:
            return tuple(map(len, texts))
        ends = [0] * len(texts)
        for side, (_, end) in zip(found.sequence_ids, found.offsets, strict=True):
            if side is not None:
                ends[side] = max(ends[side], end)
        return tuple(ends)

    @cached_property
    def mask(self) -> str | None:
        """What stands for a hidden word in a text, such as `[MASK]`; None where the network knows no such token."""
        number = self.special.get("mask")
        token = None if number is None else self._tokenizer.id_to_token(number)
        return token if token is not None and self.whole(token).ids == [number] else None

    @cached_property
    def chat_template(self) -> str | None:
        """The template by which the network was given dialogues; None where its folder has none."""
        if CHAT_TEMPLATE in self._beside:
            return self._beside[CHAT_TEMPLATE].decode("utf-8", "replace")
        stated = self._settings.get("chat_template")
        return stated if isinstance(stated, str) else None

    @cached_property
    def marks(self) -> Mapping[str, str]:
        """Texts of the tokens that begin and end a text, by the names that templates have for them; empty where there are none."""
        found = {f"{role}_token": self._tokenizer.id_to_token(number) for role, number in self.special.items()}
        return {name: found.get(name) or "" for name in ("bos_token", "eos_token", "unk_token", "pad_token")}

    @cached_property
    def _from_the_end(self) -> Tokenizer:
        """A copy that cuts off the beginnings of long texts."""
        copy = self.plain
        copy.enable_truncation(self.max_length, direction="left")
        return copy

    @cached_property
    def border(self) -> int | None:
        """The id behind which the second text of a pair begins, where networks are told the two apart by type ids.

        None where both texts have the same type, or where the types follow from nothing else than their places.
        """
        probe = self._whole.encode("a", "b")
        if 1 not in probe.type_ids:
            return None
        begin = probe.type_ids.index(1)
        border = probe.ids[begin - 1] if begin else -1
        return border if types_of(np.array([probe.ids]), border)[0].tolist() == probe.type_ids else None

    @property
    def plain(self) -> Tokenizer:
        """A copy that cuts nothing off."""
        copy = Tokenizer.from_str(self._tokenizer.to_str())
        copy.no_truncation()
        return copy

    @property
    def ids(self) -> Sequence[int]:
        """Ids of all its tokens."""
        return [*self.vocabulary.values()]

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids of all its tokens by their names."""
        return self._tokenizer.get_vocab(with_added_tokens=True)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What `tokenizer_config.json` says."""
        return self._settings

    def token(self, number: int) -> str:
        """The name of an id.

        Raises:
            ModelError: there is no such id.
        """
        found = self._tokenizer.id_to_token(number)
        if found is None:
            raise ModelError(f"the tokenizer in {self.folder} has no token with the id {number}")
        return found

    def reframed(
        self, before: Sequence[str], after: Sequence[str], special: Sequence[str], settings: Mapping[str, Any]
    ) -> "TextTokenizer":
        """A copy with other special tokens around a text.

        Args:
            before: in front of it.
            after: behind it.
            special: tokens of the vocabulary that stand for no text.
            settings: that go over those of `tokenizer_config.json`, so that other programs frame texts alike.
        """
        found, inner = copy(self), self.plain
        marks = [(name, self.vocabulary[name]) for name in dict.fromkeys((*before, *after))]
        inner.post_processor = TemplateProcessing(single=[*before, "$A", *after], special_tokens=marks)
        inner.add_special_tokens([*special])
        inner.enable_truncation(self.max_length)
        found._tokenizer, found._settings = inner, {**self._settings, **settings}
        found._found_again()
        return found

    @property
    def tokens(self) -> Mapping[int, str]:
        """Its tokens by id."""
        return {number: token for token, number in self._tokenizer.get_vocab(with_added_tokens=True).items()}

    def written(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Texts of rows of ids, without special tokens and white space around them."""
        return [text.strip() for text in self._tokenizer.decode_batch([*map(list, rows)], skip_special_tokens=True)]

    def text_of(self, ids: Sequence[int]) -> str:
        """Text of token ids without special tokens; white space around it stays."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    @property
    def begin(self) -> tuple[int, ...]:
        """What stands in front of a text: as the tokenizer puts it there, else the token that begins or ends a text; or nothing."""
        first = next((self.special[role] for role in ("bos", "eos", "cls") if role in self.special), None)
        return self._frame[0] or (() if first is None else (first,))

    @property
    def before(self) -> tuple[int, ...]:
        """What the tokenizer itself puts in front of a text."""
        return self._frame[0]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens stay visible."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def pieces_per_word(self, texts: Sequence[str]) -> float:
        """Tokens that a run of letters and digits is cut into on average, special ones left out; 1 where there is none.

        A token that stands for what the vocabulary does not have counts as `UNKNOWN` pieces.
        """
        words = [re.findall(r"[^\W_]+", text) for text in texts]
        rows = self._whole.encode_batch([" ".join(each) for each in words], add_special_tokens=False)
        unknown = self.special.get("unk", -1)
        pieces = sum(len(row.ids) + (UNKNOWN - 1) * row.ids.count(unknown) for row in rows)
        return pieces / max(sum(map(len, words)), 1) or 1.0

    @cached_property
    def framing(self) -> PieceFraming:
        """Makes rows for objectives on raw text."""
        before, after = self._frame
        return PieceFraming(
            self._tokenizer, self._whole, self.special, before, after, self.begin, self.max_length, self.naming_faults
        )

    @cached_property
    def _frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Special tokens in front of a text and behind it, as the tokenizer puts them there."""
        marks = self._tokenizer.encode("")
        inner = self._tokenizer.encode("a")
        before = tuple(inner.ids[: inner.special_tokens_mask.index(0)]) if 0 in inner.special_tokens_mask else ()
        return before, tuple(marks.ids[len(before) :])

    def _encoded(self, texts: Sequence[Any], tokenizer: Tokenizer) -> Tokens:
        writer = TokenWriter()
        stream = iter(texts)
        while chunk := list(islice(stream, CHUNK)):
            rows, lost = [], []
            for text, encoding in zip(chunk, tokenizer.encode_batch_fast(chunk), strict=True):
                rows.append(encoding.ids or [self.pad_id])
                if isinstance(text, str):
                    lost.append(sum(len(part.ids) - sum(part.special_tokens_mask) for part in encoding.overflowing))
                else:  # of a pair every combination of what is left over is given; counting those would count twice
                    lost.append(len(self._whole.encode(*text).ids) - len(encoding.ids) if encoding.overflowing else 0)
            writer.add_rows(rows, lost)
        return writer.tokens()

    def uncut(self, texts: Sequence[str]) -> Tokens:
        """All ids of texts without special tokens; one of padding where a text, and its window, would have none."""
        writer, nothing = TokenWriter(), [] if any(self._frame) else [self.pad_id]
        stream = iter(texts)
        while chunk := list(islice(stream, CHUNK)):
            found = self._whole.encode_batch_fast(chunk, add_special_tokens=False)
            writer.add_rows([each.ids or nothing for each in found], [0] * len(found))
        return writer.tokens()

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` without truncation or padding, as the hub has it, and the files that came with it.

        The length limit in use is stated, so that others truncate alike.
        """
        self._tokenizer.no_truncation()
        self._tokenizer.save(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self.max_length)
        for name in BESIDE:
            if name in self._beside and not (folder / name).exists():
                (folder / name).write_bytes(self._beside[name])
        settings = {key: value for key, value in self._settings.items() if key not in OF_THE_FOLDER}
        settings["model_max_length"] = self.max_length
        if self.prompt:  # classes of single architectures make a template of their own
            settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def types_of(ids: np.ndarray, border: int) -> np.ndarray:
    """0 for the tokens of the first text of a pair and 1 for those of the second, which begins behind the first `border`.

    Args:
        ids: shape (pairs, tokens).
        border: of the tokenizer.
    """
    at = ids == border
    return ((np.cumsum(at, axis=1) - at) > 0).astype(np.int64)
