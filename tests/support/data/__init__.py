"""Messages, models, rows and reviews for tests: seeded, and written by the functions that workers use."""
