"""Peers that train the same five networks: each file a program that answers how long so many steps took."""
