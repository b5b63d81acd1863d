"""The feedback role: `feedback` → rows of `corrections`; also evaluates the retrain policy and measures drift.

Order of reading: `role` (the Faust app), `recorder` (messages → rows),
`policy_watch` (facts → command `train`), `drift_watch` (records → drift figures).
"""
