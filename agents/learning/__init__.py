"""What decides, as plain functions over arrays: scoring, training, judging. No clock, no network, no files."""
