"""Measurements: what is found out about a model, each with the sentences, the section and the lines of the card that say it."""
