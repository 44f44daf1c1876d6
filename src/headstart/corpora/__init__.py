"""Raw text at scale: documents without labels, their duplicates, and their tokens on disk."""
