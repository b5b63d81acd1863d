"""The tables `corrections` and `waiting_feedback`: what reviewers sent, once per feedback id.

Order of reading: `resolve` (feedback → prediction), `corrections` (writes), `waiting_rows` (feedback that arrived
before its prediction), `waiting_sweep` (it becomes a correction, or expires), `packed_features`, `reviewer_statements`
(rows → statements), `review_sql` (which statements count), `review_counts` (counts for the policy), `trust` (senders
whose labels aren't limited).
"""
