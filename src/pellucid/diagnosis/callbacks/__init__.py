"""A watch as a callback of other people's training loops, one file a library, imported only where it is used."""
