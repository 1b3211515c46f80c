"""XML in one pass without a tree: the reader, its rows, the settings node, encodings, the second pass."""
