"""The training room: trainings live and finished, what is wrong with them, and what helps."""
