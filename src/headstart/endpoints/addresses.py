"""Addresses of endpoints: which are taken, and which are on this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


def address_fault(url: str) -> str:
    """What is wrong with the address of an endpoint, without saying what may be a key; empty where nothing is.

    Args:
        url: such as `http://localhost:8001/v1`.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address; write one such as http://localhost:8001/v1"
    if parts.username is not None or parts.password is not None:
        return "has a user name or a key in front of the host; take it out, and put the key into a file (--key-file)"
    if parts.query or parts.fragment:
        return "has a '?' or '#' with more behind it, where keys may stand; take it out, and put the key into a file (--key-file)"
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        return "is no address; write one such as http://localhost:8001/v1"
    if parts.scheme == "http" and not _is_near(parts):
        return f"sends texts and key to {host} for all to read; write https (http is for this machine alone)"
    return ""


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    return _is_near(urlsplit(url))


def shown_host(url: str) -> str:
    """Host and port of an address, as messages name it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _is_near(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
