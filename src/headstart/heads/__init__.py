"""Heads: small modules on top of a backbone, and the model that joins them."""

from headstart.registry import Registry

HEAD = "classification"
"""Name of the head of a task on one network."""

HEADS = Registry(
    "head",
    {"pooled": "headstart.heads.pooled:PooledHead", "cosine": "headstart.heads.cosine:CosineHead"},
    group="headstart.heads",
)
"""Classes of heads that are kept in artifacts, by the name that they have there."""
