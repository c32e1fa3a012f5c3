"""Files that are copied into an exported folder as they stand: they import nothing of pellucid."""
