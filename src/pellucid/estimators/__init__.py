"""scikit-learn's estimators: the training room behind `fit` and `predict`, in memory, without a run folder."""

from pellucid.estimators.classifier import PellucidClassifier
from pellucid.estimators.regressor import PellucidRegressor

__all__ = ["PellucidClassifier", "PellucidRegressor"]
