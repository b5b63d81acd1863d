"""A linear SVM in the form of MLServer's scikit-learn runtime: run in its environment, which has no Relearn in it."""

from __future__ import annotations

import sys

import joblib
import numpy as np
from sklearn.svm import LinearSVC

rng = np.random.default_rng(0)
features = rng.normal(size=(400, int(sys.argv[2])))
joblib.dump(LinearSVC().fit(features, features[:, 0] > 0), sys.argv[1])
