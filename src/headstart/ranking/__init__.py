"""Passages of documents, and what ranks them for a query: words (BM25), vectors, both."""
