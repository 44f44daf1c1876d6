"""Indexes: folders of passages that can be searched, and changed while others read."""
