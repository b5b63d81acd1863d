"""`relearn bench learn`: does the whole of Relearn keep learning while labels come? Two scenes on real servers.

    scenes (first rows, records) ─▶ stream ─▶ Relearn, as `relearn up` runs it ─▶ Postgres
                                     │ acknowledged                                 │
                label_sources (a reviewer, a feed of outcomes) ─▶ feedback          ▼
                                                                           watch (once a second)
    command ◀─ report, chart ◀─ bars ◀─ curve ◀─────────────────────────────────────┘
                                        (the champions, and scikit-learn on all labels so far)

`run` plays one of `scenes` with its `label_sources`. `curve`, `bars` and `chart` are plain functions on what `watch`
has read; `report` and `command` show them.
"""
