"""How well clusters that saw no label agree with labels, beside as many by TF-IDF and k-means.

    python benchmarks/clusters.py [--sets trec6,clinc150] [--rows 500]

Of each set: the number of clusters that is chosen unasked, and as many as there are labels. Agreement is adjusted
mutual information with its interval, stability that from half to half. clinc150 has rows out of all intents; how many
of the rows in no cluster they are is kept too. The rule for the number of clusters was made with the first four sets in
view; the others came after it. Raw results: benchmarks/results/clusters.jsonl.
"""

import argparse
from typing import Any

import numpy as np

import headstart
import records
from headstart.readers.opening import open_table
from pretraining_speed import DATA

RESULTS, KEYS = "clusters.jsonl", ("set", "k_given", "rows")
SETS = {
    "trec6": ("trec6/train.csv", "label"),
    "clinc150": ("clinc150/dev.csv", "label"),
    "ag_news": ("ag_news/test.csv.gz", "label"),
    "tfns": ("tfns/test.csv", "label"),
    "trec6 fine": ("trec6/train.csv", "fine_label"),
    "clinc150 domain": ("clinc150/test.csv", "domain"),
    "airline": ("airline/test.csv", "airline"),
    "nicta_piboso": ("nicta_piboso/test.csv", "label"),
    "hate_offensive": ("hate_offensive/test.csv", "label"),
}
OUTSIDE = "oos"
"""Label of rows out of all intents."""


def measure(name: str, most: int, k: int | str) -> None:
    """Cluster a set, or some of its rows, and keep what came of it."""
    file, label = SETS[name]
    table = open_table(DATA / file)
    rows = np.random.default_rng(0).permutation(len(table))[:most]
    columns = {column: [table.columns[column][row] for row in rows] for column in ("text", label)}
    labels = columns[label]
    number: Any = len(set(labels)) if k == "labels" else k
    found = headstart.cluster(columns, label=label, k=number)
    agreement, stability = found["comparison"]["agreement"], found["comparison"]["stability"]
    row = {
        "set": name, "rows": found["rows"], "labels": len(set(labels)), "k_given": k, "k": found["k"],
        "silhouette": max((trial["silhouette"] for trial in found["trials"]), default=None),
        "agreement": agreement, "stability": stability, "in_no_cluster": found["in_no_cluster"]["rows"],
        "device": records.device(),
    }  # fmt: skip
    if OUTSIDE in labels:
        outside = [labels[each["line"] - 1] == OUTSIDE for each in found["assigned"] if each["cluster"] is None]
        row["outside"] = {"all": labels.count(OUTSIDE), "in_no_cluster": sum(outside)}
    records.keep(RESULTS, row, KEYS)
    both = "  ".join(f"{kind} {agreement[kind]['value']:.3f}" for kind in ("network", "tf-idf", "gain"))
    print(f"{name:16} {found['rows']:6,} rows, {len(set(labels)):3} labels, k {found['k']:3} ({k}): {both}", flush=True)


def main() -> None:
    """Measure all sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS), help="which, with commas between")
    parser.add_argument("--rows", type=int, default=6000, help="rows of each at most")
    options = parser.parse_args()
    for name in options.sets.split(","):
        for k in ("auto", "labels"):
            measure(name, options.rows, k)


if __name__ == "__main__":
    main()
