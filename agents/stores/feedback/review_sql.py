"""Which statements count, in SQL: each reviewer's latest statement per prediction, and the review of a prediction.

`agents.learning.reviews` (`standing_statements`, `reviews`) is the reference; a test holds the SQL equal to it. Every
query of statements that count is built from these fragments.
"""

from __future__ import annotations

from relearn.agents.stores.places import PLACE

#: The order of arrival, the newest first: `ORDER BY` of rows of `corrections`.
NEWEST_FIRST = "arrival DESC, sent_partition DESC, sent_offset DESC"


def latest_statements(source: str) -> str:
    """A query: of the rows of `source`, each reviewer's latest statement per prediction, withdrawals included."""
    return f"""SELECT DISTINCT ON ({PLACE}, reviewer) * FROM {source}
        ORDER BY {PLACE}, reviewer, {NEWEST_FIRST}"""  # noqa: S608 - names of our own


def latest_reviews(source: str) -> str:
    """A query: of the rows of `source`, which are `latest_statements`, the one that is the prediction's review."""
    return f"""SELECT DISTINCT ON ({PLACE}) * FROM {source} WHERE label IS NOT NULL
        ORDER BY {PLACE}, {NEWEST_FIRST}"""  # noqa: S608 - names of our own


def latest_of_prediction(columns: str, place: str) -> str:
    """A query: `columns` of `corrections c`, of each reviewer's latest statement about one prediction.

    `place`: four expressions. For LATERAL and EXISTS: DISTINCT makes the query one index lookup per prediction,
    whatever statistics the planner has of the table.
    """
    of_c = ", ".join(f"c.{column}" for column in PLACE.split(", "))
    newest = ", ".join(f"c.{column}" for column in NEWEST_FIRST.split(", "))
    return f"""SELECT DISTINCT ON (c.reviewer) {columns} FROM corrections c WHERE ({of_c}) = ({place})
        ORDER BY c.reviewer, {newest}"""  # noqa: S608 - names of our own
