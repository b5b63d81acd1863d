"""The table of the drivers' errors: what each one means for the caller. docs/decisions/driver-errors.md.

Order of reading: `verdict` (the four meanings), `kafka` (codes of librdkafka, classes of aiokafka), `postgres`
(SQLSTATE, and asyncpg's own errors), `redis`, `line` (one line for people, for any error of any driver).
"""
