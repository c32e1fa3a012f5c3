"""The sections of a run's page, one a file, in the order of the reader's questions."""
