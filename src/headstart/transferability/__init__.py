"""How well frozen states suit labels, told without training (transferability estimation), in numpy; no torch."""

LOGME, H_SCORE, NEIGHBOURS, PROBE = "logme", "h-score", "neighbours", "probe"
"""Names of the scores."""
TITLES = {LOGME: "LogME", H_SCORE: "H-score", NEIGHBOURS: "neighbours", PROBE: "probe"}
"""How people read their names, in the order in which tables show them."""
