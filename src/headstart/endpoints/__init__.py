"""OpenAI-compatible endpoints: labels of texts asked for over HTTP, paid for once, kept, and gone on with after any end."""
