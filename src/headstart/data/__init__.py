"""Data: opened files, tables, stores of examples, tokens, splits, batches."""
