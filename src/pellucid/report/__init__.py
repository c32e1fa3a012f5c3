"""Renders records and predictions for people: terminal text now, figures and pages as they come."""
