"""A scikit-learn model of others as a model of ours. Pure, but for the reading of the file.

Order of reading: `skops_file` (the file, checked before skops loads it), `estimators` (its objects as data), `columns`
(what a column of a pipeline is), `one_hot` and `transformers` (scaler, imputer, pipeline: columns in, columns out),
`classifier` (its weights of columns), `features` (their names and kinds), `linear_model` (all of it → the model).
docs/model-import.md describes it for people.
"""
