"""Report: the HTML page and the model card, made from evidence alone."""
