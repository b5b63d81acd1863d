"""The `relearn` command, and what only commands need.

Order of reading: `cli` and `lazy_group` (verbs → modules), `extras` (optional packages), commands/ (one module per
verb), client/ (Kafka, Postgres, commands), render/ (tables and text), tables/ (CSV and Parquet), model_formats/ (models
for other programs), model_import/ (models of others), data/ (data sets, reviewers), embedded/ (`relearn up`), demo/,
dev/ (tools).
"""
