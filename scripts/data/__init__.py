"""Labelled data and simulated reviewers, for `produce`, `model train`, `review` and `demo`.

Order of reading: `datasets`, `csv` and `csv_rows` (records and labels), `ground_truth` (the true label of a record),
`reviewer` (which statements a reviewer makes, pure), `reviewing` (the loop of `relearn review`).
"""
