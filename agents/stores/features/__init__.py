"""The versions of the namespace's features in Postgres.

Order of reading: `versions` (the table), `onto` (stored rows of one version as rows of another), `change` (adding and
retiring a feature).
"""
