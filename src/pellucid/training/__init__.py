"""Trains networks: task, session, optimisers, schedules, checkpoints."""
