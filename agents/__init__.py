"""The stream: one module per role, what they share, and what they decide with (learning/) and write to (stores/)."""
