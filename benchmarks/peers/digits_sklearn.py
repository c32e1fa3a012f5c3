"""scikit-learn's classifiers on the digits at their defaults: `digits_sklearn.py ROWS SVC|MLPClassifier`."""

import json
import sys

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """Fit on the training rows and print the test accuracy as JSON."""
    x, y = load_digits(return_X_y=True)
    rows = np.load(sys.argv[1])
    if sys.argv[2] == "SVC":
        from sklearn.svm import SVC  # noqa: PLC0415 (what the other side needs is not to be paid for)

        model = SVC()
    else:
        from sklearn.neural_network import MLPClassifier  # noqa: PLC0415

        model = MLPClassifier(random_state=0)
    model.fit(x[rows["train"]] / 16, y[rows["train"]])
    print(json.dumps({"metrics": {"accuracy": model.score(x[rows["test"]] / 16, y[rows["test"]])}}))


main()
