"""Attribution: how much each word of a text mattered for what a model says of it, and whether that can be believed."""
