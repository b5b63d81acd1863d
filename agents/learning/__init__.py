"""Plain functions over arrays and dataclasses that predict, fit, judge and choose. No clock, no I/O.

Predicting: `predict` (margins and labels), `feature_contributions`, `calibration`. A training: `training_set`,
`snapshot`, `trial`, `nothing_new`, `fit`, `fitted_model`, `fit_messages`; `policy` (when to train), `loop_state` (what
the loop is doing, as a sentence). Which model is better:
`metrics`, `evidence`, `significance`, `gate`, `shadow_verdict`, `rollback_verdict`. Labels: `reviews`, `sender_limit`,
`review_choice`, `audit_accuracy`. Records: `drift`, `replay`.
"""
