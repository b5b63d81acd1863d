"""Plain functions over arrays and dataclasses that predict, fit, judge and choose. No clock, no I/O.

Predicting: `onto_model` (rows of another version of the features), `encode` (rows → columns), `encode_text`, `words`,
`predict` (margins and labels), `calibration`, `feature_contributions`. Labels:
`reviews` (which statement stands), `sender_limit` (which of them count now), `review_choice` (what is asked next),
`audit_accuracy`. A training: `snapshot` and `trial` (what it learns from and is judged by), `usable_rows` (others are
left out), `assumed`, `training_set`, `sample`, `nothing_new`, `model_size`, `fit` (chooses C, fits without each fold),
`solver` (the optimum), `fitted_model`, `fit_messages`; `imported` (a model that was made elsewhere). Which model is
better: `metrics`, `evidence`, `significance`, `gate`, `shadow_verdict`, `rollback_verdict`. When: `policy` (whether to
train), `loop_state` (what the loop is doing, as a sentence). Records: `drift_columns`, `drift`, `replay`.
"""
