"""The table of the drivers' errors: what each one means for the caller. docs/decisions/driver-errors.md.

Order of reading: `verdict` (the names of the four meanings), then which errors are retried, of `kafka` (codes of
librdkafka, classes of aiokafka), `postgres` (SQLSTATE, and asyncpg's own errors) and `redis`; `line` (one line for
people, for any error of any driver).
"""
