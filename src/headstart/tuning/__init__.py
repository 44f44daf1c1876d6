"""Settings searched by trials: what is varied, which trial is next, which goes on, and what the best of them is worth."""
