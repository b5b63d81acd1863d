"""The review queue: which record a reviewer gets next.

Order of reading: `pool` (candidates of this process), `claims` (one reviewer at a time), `served_via` (why a record was
served: audit, queue, disagree), `batch` (a review of a whole batch).
"""
