"""Made-up letters to a shop: two texts, a number, a category, gaps, and a label. No package at hand ships texts.

What a letter is about is drawn first; most of its phrases are of that kind, some of any, so that a linear model of
words can learn it and none can be right every time. The same rows each time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import Feature, FeatureSchema, Strings, codes_of

ROWS = 3000
SCHEMA = FeatureSchema(
    (
        Feature("letter", "text"),
        Feature("amount"),
        Feature("channel", "category"),
        Feature("title", "text", missing=True),
    )
)
_PHRASES = {
    "complaint": (
        "the box was broken when it came",
        "I want my money back",
        "it stopped working after a day",
        "the wrong size was sent again",
        "your phone is always busy",
        "I am really disappointed",
        "the parcel never arrived",
        "a button is missing",
        "this is the third time I write",
        "the colour is not what the picture shows",
    ),
    "praise": (
        "thank you for the quick delivery",
        "it fits very well",
        "my daughter loves it",
        "the quality is great",
        "your staff was kind and helpful",
        "I will order again",
        "better than I expected",
        "a lovely present",
        "it looks just like the picture",
        "everything came in time",
    ),
    "question": (
        "can I change the address",
        "do you have it in another colour",
        "when will it be in stock",
        "how do I wash it",
        "is there a discount for students",
        "which size should I take",
        "do you send to other countries",
        "could you send me the invoice",
        "may I pay in two parts",
        "where can I find the manual",
    ),
}
_ANY = (
    "I ordered shoes last week",
    "my order number is on the invoice",
    "the kettle is for the kitchen",
    "we live in a small town",
    "please write to me",
    "best wishes",
    "it is the blue one",
    "my neighbour took the parcel",
    "I found you on the web",
    "the dress is for a wedding",
)
_TITLES = {
    "complaint": ("Complaint", "Return of my order", "Please help", "About order"),
    "praise": ("Thank you", "A great shop", "About order", "Feedback"),
    "question": ("A question", "Before I order", "About order", "Please help"),
}
_MISSING = 0.1
#: The share of a letter's phrases that are of its kind, and of letters whose kind is another than it reads.
_OWN, _MISTAKEN = 0.45, 0.03


def letters(rows: int = ROWS, seed: int = 0) -> tuple[NDArray[np.float64], tuple[Strings, ...], tuple[str, ...]]:
    """Rows of SCHEMA, (rows, 4) float64; the strings of each; its label: `complaint`, `praise` or `question`."""
    rng = np.random.default_rng([seed, 131])
    kinds = list(_PHRASES)
    labels = rng.choice(kinds, rows, p=[0.4, 0.35, 0.25])
    strings, amounts = list[Strings](), np.empty(rows)
    for i, label in enumerate(labels.tolist()):
        written = label if rng.random() >= _MISTAKEN else kinds[rng.integers(len(kinds))]
        letter = ". ".join(_phrases(rng, written))
        title = None if rng.random() < _MISSING else _TITLES[written][rng.integers(4)]
        amounts[i] = round(float(rng.lognormal(3.6 if written == "complaint" else 3.2, 0.7)), 2)
        strings.append((letter + ".", str(rng.choice(("mail", "web", "phone"))), title))
    codes = np.array([codes_of(one) for one in strings])
    return np.column_stack([amounts, codes]), tuple(strings), tuple(labels.tolist())


def _phrases(rng: np.random.Generator, kind: str) -> list[str]:
    """Three to eight different phrases, the first letter of each a capital."""
    own, others, n = _PHRASES[kind], _ANY, int(rng.integers(3, 9))
    chosen: list[str] = []
    while len(chosen) < n:
        of = own if rng.random() < _OWN else others
        phrase = of[rng.integers(len(of))]
        if phrase not in chosen:
            chosen.append(phrase)
    return [phrase[0].upper() + phrase[1:] for phrase in chosen]
