"""Do the words that occlusion and integrated gradients name matter more to the model than random ones, and which matter more?

    python benchmarks/why.py [--rows N] [--train N] [--top SHARE] [--only NAME ...] [--threads N] [--quick]

SST-2: TF-IDF, frozen `mini` and fine-tuned `mini`, each fitted on the same training rows. On rows of the test file:
comprehensiveness (how much the probability of the answer falls without the heaviest fifth of the words; more is better) and
sufficiency (how much it falls with these words alone; less is better) after DeYoung et al. (2020), section 4.2, of occlusion, of
integrated gradients (50 steps) and of as many random words (the mean of five draws), each pair on the same rows with an interval
and a paired permutation test; how far both orders of the words agree (Spearman), and how far with those of a network of random
weights (Adebayo et al. 2018); seconds. Raw results: benchmarks/results/why.jsonl.
"""

import argparse
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import numpy as np

import draws
import headstart
import records
from headstart.attribution.explanation import Explanation, Method
from headstart.attribution.faithfulness import DRAWS, Erased, agreement, chosen_words, erased, random_words, usable
from headstart.attribution.methods import weighed
from headstart.attribution.reading import readings
from headstart.attribution.scorer import Scorer
from headstart.metrics.means import mean, mean_difference

RESULTS = "why.jsonl"
KEYS = ("model", "train", "rows", "top", "device")
MODELS = {"tf-idf": {}, "feature-extraction": {}, "fine-tuning": {"epochs": 3}}
BOUNDS = (-1.0, 1.0)


def fitted(name: str, rows: list[draws.Row], threads: int | None, epochs: int | None) -> Any:
    """A model of one strategy on some rows."""
    options: dict[str, Any] = {"strategy": name, "controls": False, "cache": False, "threads": threads, "seed": 0}
    options |= MODELS[name] | ({"epochs": epochs} if epochs and "epochs" in MODELS[name] else {})
    with tempfile.TemporaryDirectory() as place:
        path = draws.write(Path(place) / "train.csv", rows)
        return headstart.fit(str(path), test_share=0, output=f"{place}/run", **options)


def measured(model: Any, texts: list[str], top: float) -> dict[str, Any]:
    """What the heaviest words by each method and random ones change, beside one another."""
    scorer = Scorer(model.predictor, model.task, model.decisions)
    methods: list[Method] = [*get_args(Method)] if model.predictor.kind == "transformers" else ["occlusion"]
    explained: dict[str, list[Explanation]] = {}
    seconds = {}
    for method in methods:
        started = time.perf_counter()
        explained[method] = weighed(scorer, texts, method)
        seconds[method] = round(time.perf_counter() - started, 2)
    kept = [at for at in range(len(texts)) if usable(explained["occlusion"][at])]
    explained = {method: [some[at] for at in kept] for method, some in explained.items()}
    read = readings(model.predictor, model.task, [texts[at] for at in kept])
    own = explained["occlusion"]
    columns = [model.labels.index(each.labels[0]) for each in own]
    found: dict[str, Erased] = {
        method: erased(scorer, read, [chosen_words(each, top, of_number=False) for each in some], columns)
        for method, some in explained.items()
    }
    random = np.random.default_rng(0)
    drawn = [erased(scorer, read, [random_words(each, top, random) for each in own], columns) for _ in range(DRAWS)]
    found["random"] = Erased(
        np.mean([each.comprehensiveness for each in drawn], axis=0),
        np.mean([each.sufficiency for each in drawn], axis=0),
    )
    gaps = [abs(gap) for each in explained.get("integrated-gradients", ()) for gap in each.gaps or ()]
    return {
        "texts": len(kept),
        "words": sum(len(each.places) for each in own),
        "comprehensiveness": _compared({name: each.comprehensiveness for name, each in found.items()}),
        "sufficiency": _compared({name: each.sufficiency for name, each in found.items()}),
        "agreement": _agreement(scorer, [texts[at] for at in kept], explained),
        "largest_gap": max(gaps, default=None),
        "seconds": seconds,
    }


def _compared(values: dict[str, np.ndarray]) -> dict[str, Any]:
    """Means by method, and the difference of each two."""
    found: dict[str, Any] = {name: _rounded(mean(each, bounds=BOUNDS).plain()) for name, each in values.items()}
    for one, other in combinations(values, 2):
        test = mean_difference(values[one], values[other], bounds=BOUNDS)
        found[f"{one} - {other}"] = _rounded(test.difference.plain()) | {"p": test.p}
    return found


def _agreement(scorer: Scorer, texts: list[str], explained: dict[str, list[Explanation]]) -> dict[str, Any]:
    """Spearman correlations of both methods with each other, and of each with those of a network of random weights."""
    pairs = {}
    if len(explained) > 1:
        pairs["both"] = agreement(*explained.values())[0]
        network: Any = scorer.predictor
        other = Scorer(getattr(network, "network", network).untrained(), scorer.task)
        for method in get_args(Method):  # of the label that the trained network gives
            own = explained[method]
            of = [(scorer.task.names.index(each.labels[0]),) for each in own]
            pairs[f"{method}, untrained"] = agreement(own, weighed(other, texts, method, of=of))[0]
    return {name: _rounded(mean(values, bounds=BOUNDS).plain()) for name, values in pairs.items()}


def _rounded(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) for key, value in plain.items()}


def main() -> None:
    """Fit, weigh, take away, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300, help="test rows whose words are weighed")
    parser.add_argument("--train", type=int, default=4000, help="training rows")
    parser.add_argument("--top", type=float, default=0.2, help="share of the words that are taken away")
    parser.add_argument("--only", nargs="+", choices=[*MODELS], default=[*MODELS])
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--quick", action="store_true", help="120 training rows, 10 to test, nothing kept: does it run?"
    )
    options = parser.parse_args()
    train, rows = (120, 10) if options.quick else (options.train, options.rows)
    folder = draws.DATA / "sst2"
    learnt = draws.at_most(draws.rows_of(folder / "train.csv"), train, 0)
    texts = [text for text, _ in draws.at_most(draws.rows_of(folder / "test.csv"), rows, 0)]
    for name in options.only:
        found = measured(fitted(name, learnt, options.threads, 1 if options.quick else None), texts, options.top)
        row = {"model": name, "train": train, "rows": rows, "top": options.top, "device": records.device(), **found}
        if not options.quick:
            records.keep(RESULTS, row, KEYS)
        for what in ("comprehensiveness", "sufficiency"):
            said = [
                f"{key} {each['value']:+.3f} [{each['low']:+.3f}, {each['high']:+.3f}]"
                + (f" p {each['p']:.4f}" if "p" in each else "")
                for key, each in found[what].items()
            ]
            print(f"{name}, {found['texts']} rows, {what}: {'; '.join(said)}", flush=True)
        said = ", ".join(f"{key} {each['value']:+.3f}" for key, each in found["agreement"].items())
        print(
            f"{name}: agreement {said or '-'}; largest gap {found['largest_gap']}; seconds {found['seconds']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
