"""Data sets with a name: built in, generated, or downloaded."""
