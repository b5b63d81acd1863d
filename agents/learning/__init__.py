"""Every decision as plain functions over arrays and dataclasses: predicting, fitting, judging. No clock, no I/O."""
