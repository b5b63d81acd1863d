"""What tests share, by what it gives: data/, servers/, processes/, api/, page/, faults/.

`paths`, `size` (reduced or full), `waiting` (conditions with a deadline) are used by all tests.
"""
