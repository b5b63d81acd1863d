"""`relearn bench loop`: from the last correction of a burst to a better model live on every process that holds one.

concept (what is right, another thing every round) ─▶ rounds (records, feedback, swaps) ─▶ figures
                                  background (a steady stream beside the rounds) ─┘
"""
