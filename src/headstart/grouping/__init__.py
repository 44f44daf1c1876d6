"""Texts that are alike: pairs above a threshold, groups of duplicates, clusters and the words that set them apart."""
