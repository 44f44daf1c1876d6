"""Backbones: pretrained networks with their tokenizers, and the names under which some are known."""

KNOWN = {"mini": "headstart.backbones.mini"}
"""Short names to the module that says where the weights are; anything else is a hub id or a folder."""
