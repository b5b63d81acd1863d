"""The review queue: its candidates and claims. agents/learning/review_choice.py chooses the next record.

Order of reading: `pool` (candidates of this process), `claims` (one reviewer at a time), `served_via` (why a record was
served: audit, queue, disagree), `batch` (a review of a whole batch).
"""
