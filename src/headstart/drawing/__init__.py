"""Drawing: how measured things are written and drawn, for people."""
