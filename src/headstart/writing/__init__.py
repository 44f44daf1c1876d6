"""Writing: from the states of a network to texts, word by word; how that is done is a component."""
