"""Labelled data and simulated reviewers, for `produce`, `model train`, `review` and `demo`.

Order of reading: `datasets` (records and labels), `made_up` (a mixed table), `made_up_letters` (texts), `bootstrap`
(training on them), `accuracy`, `messages` (the Kafka messages of a data set), `paced_stream` (a thread that sends
them), `ground_truth` (the true label of a record), `reviewer` (which statements it makes, pure), `review_loop` (the
loop of `relearn review`).
"""
