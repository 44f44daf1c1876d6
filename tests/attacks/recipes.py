"""Recipe files that lie: depth, size, names twice, YAML of other times, paths that can't be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.attacks.artifacts import MANY_KEYS
from tests.attacks.corpus import Corpus

RECIPES = Corpus(64)
NAME = "recipe.yaml"
BASE = "verb: fit\ndata: {train: d.csv}\nstrategy: tf-idf\ncontrols: false\n"


def recipe(text: str | bytes, base: str = BASE) -> Callable[[Path], object]:
    """The attack that writes a recipe: the usual lines, and these."""
    more = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return lambda folder: (folder / NAME).write_bytes(base.encode() + more)


FILES: dict[str, str | bytes] = {
    "lists in lists": "[" * 3000,
    "lists in lists that end": "[" * 3000 + "]" * 3000,
    "mappings in mappings": "{a: " * 3000 + "1" + "}" * 3000,
    "mappings below mappings": "".join(f"{' ' * at}a:\n" for at in range(1500)),
    "lists by dashes": "- " * 3000 + "x",
    "quotes that never end": 'verb: "fit',
    "many entries in few lines": MANY_KEYS,
    "a list that holds itself": "&a [*a]",
    "a mapping that holds itself": "&a {a: *a}",
    "an alias to nothing": "verb: *nothing",
    "an object of Python": "!!python/object/apply:os.system ['touch was-here']",
    "a name of Python": "verb: !!python/name:os.system",
    "a tag of someone": "verb: !own fit",
    "a set": "!!set {verb, fit}",
    "two documents": "verb: fit\n---\nverb: fit\n",
    "nothing": "",
    "blanks": "  \n\n",
    "a comment": "# nothing\n",
    "a text": "fit",
    "a list": "[verb, fit]",
    "a number": "7",
    "a key that is a number": "1: x\nverb: fit\n",
    "a key that is nothing": "null: x\nverb: fit\n",
    "a key that is a list": "[a, b]: x\nverb: fit\n",
    "a key that is a mapping": "? {a: b}\n: x\nverb: fit\n",
    "a key that is a date": "2020-01-01: x\nverb: fit\n",
    "a key of a million letters": "x" * 1_000_000 + ": 1\n",
    "a million keys": "".join(f"k{at}: 1\n" for at in range(20_000)),
    "no UTF-8": b"verb: f\xfft",
    "zero bytes": b"verb: fit\0",
    "a pickle": b"\x80\x04\x95\x10.",
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "tabs": "verb:\n\t- fit",
    "a directive of another version": "%YAML 9.9\n---\nverb: fit\n",
    "a misspelt verb beside other faults": "verb: fitt\nseed: many\nown: 1\n",
    "a verb that is a list": "verb: [fit]\n",
    "a verb that is a number": "verb: 7\n",
    "a verb that talks to terminals": 'verb: "\\e]0;title\\a"\n',
    "a verb of a million letters": f"verb: {'x' * 1_000_000}\n",
    "a strength that float32 has no number for": "verb: fit\ndata: {train: d.csv}\nstrategy: {name: tf-idf, C: 1.0e-308}\n",
    "a strength beyond all numbers": "verb: fit\ndata: {train: d.csv}\nstrategy: {name: crf, variance: 1.0e+300}\n",
    "a test for every page": f"verb: fit\ndata: {{train: d.csv, tests: {{{', '.join(f't{at}: d.csv' for at in range(3000))}}}}}\n",
}
LINES: dict[str, str] = {
    "a seed of 5,000 digits": f"seed: {'9' * 5000}\n",
    "a seed of 5,000 hexadecimal digits": f"seed: 0x{'f' * 5000}\n",
    "a seed that is no number": "seed: .nan\n",
    "a seed without end": "seed: .inf\n",
    "a seed below zero": "seed: -1\n",
    "a seed that is a time": "seed: 1:30\n",
    "a seed that is an octal number of YAML 1.2": "seed: 0o17\n",
    "a key behind a line end that is not seen": "# nothing\u2028seed: 5\n",
    "a key behind a line end of other times": "# nothing\x85seed: 5\n",
    "a key behind a return": "# nothing\rseed: 5\n",
    "a key by itself and in its section": "training: {epochs: 2}\ntraining.epochs: 3\n",
    "a seed that is a date": "seed: 2020-01-01\n",
    "a seed that is yes": "seed: yes\n",
    "a seed that is a list": "seed: [1]\n",
    "a seed twice": "seed: 1\nseed: 2\n",
    "a seed twice, once in quotes": 'seed: 1\n"seed": 2\n',
    "a key twice in a mapping": "task: {name: text-classification, label: a, label: b}\n",
    "an output with a zero byte": 'output: "a\\0b"\n',
    "an output with half a character": 'output: "\\ud800x"\n',
    "an output that is too long": f"output: {'o' * 5000}\n",
    "an output that is a list": "output: [a]\n",
    "an output that talks to terminals": 'output: ["\\e]0;title\\a"]\n',
    "a strategy that talks to terminals": 'strategies: ["\\e]0;title\\a"]\n',
    "a key that talks to terminals": '"\\e]0;title\\a": 1\n',
    "a key that turns round": '"\\u202egnp.exe": 1\n',
    "a text where a number belongs": f"seed: {'x' * 1_000_000}\n",
    "strategies in lists in lists": "strategies: " + "[" * 500 + "]" * 500 + "\n",
    "a budget of later": f"budget: {'9' * 400}h\n",
    "bytes": "output: !!binary aGVsbG8=\n",
    "merged keys": "<<: {seed: 1, own: 2}\n",
    "merged keys of a text": "<<: own\n",
    "a number that is too precise": "validation: 1e-99999\n",
    "a share beyond one": "validation: 1e999\n",
}  # fmt: skip
RECIPES.each((), (64,), {name: recipe(text, "") for name, text in FILES.items()})
RECIPES.each((), (64,), {name: recipe(text) for name, text in LINES.items()})
RECIPES.each((), (64, 73, 74), {
    "an output with a part that is too long": recipe(f"output: a/{'o' * 300}/b\n"),
    "an output that is empty": recipe('output: ""\n'),
})  # fmt: skip
for kind, data in {
    "that is endless": "/dev/zero", "that is a terminal": "/dev/tty", "that is a folder": ".", "with a zero byte": '"a\\0b"',
    "that is too long": "x" * 5000, "with half a character": '"\\ud800.csv"', "of this process": "/proc/self/mem",
}.items():  # fmt: skip
    RECIPES.each((), (64, 65, 66, 74), {f"data {kind}": recipe(f"verb: fit\ndata: {{train: {data}}}\noutput: o\n", "")})
