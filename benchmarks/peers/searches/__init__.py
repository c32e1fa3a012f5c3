"""Searches of the peers: each file a program that answers how many trials a minute it did, and its best score."""
