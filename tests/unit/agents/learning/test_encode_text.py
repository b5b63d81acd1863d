"""Texts as columns: those of scikit-learn's HashingVectorizer and TfidfTransformer, whatever the texts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from relearn.agents.learning.encode import columns_matrix, encode, fit_encoder, products, square_distances
from relearn.agents.learning.encode_text import TEXTS_MAX_BYTES, fit_texts, word_shares
from relearn.agents.learning.feature_contributions import contributions
from relearn.agents.learning.fit import fit, fit_svm
from relearn.agents.learning.fit_messages import decode_answer, decode_task, encode_answer, encode_task
from relearn.agents.learning.predict import predict, score
from relearn.agents.learning.words import bucket_of, buckets_of, folded, words_of
from relearn.schemas.features import Feature, FeatureSchema, rows_of_values, strings_by_code
from relearn.schemas.model.encoder import BITS_MAX, BITS_MIN, TextPart
from relearn.schemas.model.linear_svm import decode_model, encode_model
from tests.support.data.texts import SCHEMA, letters, rows_of_letters, set_of_letters

ONE = FeatureSchema((Feature("t", "text", missing=True),))
texts = st.text(st.sampled_from("aAbBé ß1_'\n\u0130ﬁ日本"), max_size=30) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(texts, min_size=1, max_size=8), st.integers(BITS_MIN, BITS_MAX))
def test_buckets_are_those_of_scikit_learn(given_texts: list[str], bits: int) -> None:
    counted = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None, n_features=1 << bits)
    found = counted.transform(given_texts).toarray()
    for text, row in zip(given_texts, found, strict=True):
        places, counts = folded(buckets_of(text), bits)
        assert places.tolist() == np.flatnonzero(row).tolist()
        assert counts.tolist() == row[row > 0].tolist()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), st.lists(texts, min_size=1, max_size=4))
def test_columns_are_those_of_scikit_learn(known: list[str], later: list[str]) -> None:
    """Of texts that training has seen, and of others."""
    rows, strings = rows_of_values([[one] for one in [*known, *later]], ONE)
    string_of = strings_by_code(strings)
    encoder = fit_encoder(ONE, rows[: len(known)], string_of)
    assert encoder is not None
    (part,) = encoder.texts
    counted = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None, n_features=1 << part.bits)
    pipeline = make_pipeline(counted, TfidfTransformer()).fit(known)
    theirs = pipeline.transform([*known, *later]).toarray()[:, part.places()]
    ours = columns_matrix(encoder, rows, string_of).toarray()
    np.testing.assert_allclose(ours[:, :-1], theirs, rtol=0, atol=1e-12)
    assert not ours[:, -1].any()


def test_a_missing_text_has_a_column_of_its_own() -> None:
    rows, strings = rows_of_values([["good goods"], [None], [""]], ONE)
    encoder = fit_encoder(ONE, rows, strings_by_code(strings))
    columns = columns_matrix(encoder, rows, strings_by_code(strings)).toarray()
    assert (columns[:, -1].tolist(), columns[2].tolist()) == ([0.0, 1.0, 0.0], [0.0] * columns.shape[1])
    assert encode(encoder, rows, strings_by_code(strings)).texts[0].unknown.tolist() == [0.0, 0.0, 0.0]


def test_a_model_is_that_of_scikit_learns_pipeline() -> None:
    values, labels = letters(300, seed=5)
    words = [[one[3]] for one in values]
    schema = FeatureSchema((Feature("title", "text"),))
    rows, strings = rows_of_values(words, schema)
    encoder = fit_encoder(schema, rows[:200], strings_by_code(strings))
    assert encoder is not None
    columns = columns_matrix(encoder, rows, strings_by_code(strings))
    y = np.array([label == "praise" for label in labels]).astype(np.intp)
    svm = fit_svm(columns[:200], y[:200], 0.1, scaled=0)
    part = encoder.texts[0]
    counted = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None, n_features=1 << part.bits)
    theirs = make_pipeline(
        counted,
        TfidfTransformer(),
        LinearSVC(C=0.1, dual=False, class_weight="balanced", tol=1e-12, max_iter=100_000),
    ).fit([one for (one,) in words[:200]], y[:200])
    margins = columns[200:] @ svm.weights[0] + svm.bias[0]
    assert np.abs(margins - theirs.decision_function([one for (one,) in words[200:]])).max() < 1e-6


def test_it_learns_from_texts_among_other_features() -> None:
    """As model and as fold models, through the messages of the training process and of the topic."""
    examples = set_of_letters(300)
    fitted = decode_answer(encode_answer(fit(decode_task(encode_task(examples)))))
    assert fitted.metrics["accuracy"] > 0.9
    model = decode_model(encode_model(fitted.as_model(1, SCHEMA.names)))
    rows, string_of, labels = rows_of_letters(100, seed=9)
    answers = [model.classes[i] for i in score(model, rows, string_of).labels]
    assert np.mean(np.array(answers) == np.array(labels)) > 0.9
    assert len(fitted.fold_models.answers([f"k{i}" for i in range(100)], rows, string_of)) == 100
    assert fit(examples).weights.tobytes() == fitted.weights.tobytes()


def test_products_are_those_of_the_columns() -> None:
    rows, string_of, _ = rows_of_letters(50)
    encoder = fit_encoder(SCHEMA, rows[:30], string_of)
    assert encoder is not None
    weights = np.random.default_rng(0).normal(size=(3, encoder.width))
    columns = columns_matrix(encoder, rows, string_of).toarray()
    np.testing.assert_allclose(products(encode(encoder, rows, string_of), weights), columns @ weights.T, atol=1e-9)


def test_contributions_add_up_and_words_to_those_of_their_text() -> None:
    examples = set_of_letters(200)
    model = fit(examples).as_model(1, SCHEMA.names)
    rows, string_of, _ = rows_of_letters(20, seed=7)
    labels, margins = predict(model, rows, string_of)
    average = contributions(model, [float(rows[0, 0])], [None, "mail", ""], model.classes[0])
    assert average is not None
    for i, row in enumerate(rows):
        strings = [string_of.get(code) for code in row[1:].tolist()]
        found = contributions(model, row[:1], strings, model.classes[labels[i]])
        assert found is not None
        assert found.each.sum() + found.base == pytest.approx(margins[i, 0], abs=1e-9)
        assert set(found.words) == {0, 3}
        # The text's own contribution: its words, less what the average text adds.
        added = sum(push for _, push in found.words[3])
        assert found.each[3] - added == pytest.approx(average.each[3], abs=1e-9)
        assert {word for word, _ in found.words[3]} <= set(words_of(strings[2] or ""))


def test_near_letters_are_near() -> None:
    model = fit(set_of_letters(200)).as_model(1, SCHEMA.names)
    rows, string_of, _ = rows_of_letters(30, seed=7)
    columns = columns_matrix(model.encoder, rows, string_of).toarray() / model.scale
    expected = ((columns[1:] - columns[0]) ** 2).sum(axis=1)
    np.testing.assert_allclose(square_distances(model, rows, string_of), expected, atol=1e-9)


def test_words_of_one_bucket_share_its_value() -> None:
    """Two words whose buckets are equal, of the fewest that there may be."""
    by_bucket: dict[int, str] = {}
    for i in range(10_000):
        first = by_bucket.setdefault(bucket_of(f"w{i}") & 0xFFF, f"w{i}")
        if first != f"w{i}":
            break
    text = f"{first} {first} w{i}"
    part = fit_texts(np.array([1.0]), {1.0: text}, missing=False, rows=1, features=1)
    assert part.bits == BITS_MIN
    shares = word_shares(part, text)
    assert shares[first][0] == shares[f"w{i}"][0]
    assert shares[first][1] == pytest.approx(2 * shares[f"w{i}"][1])
    assert set(shares) == set(words_of(text))


@pytest.mark.parametrize("classes", [2, 100])
def test_what_training_saw_bounds_the_size_of_a_model(classes: int) -> None:
    """Much text has many buckets, but never more than a message of model-updates takes."""
    rng = np.random.default_rng(1)
    many = {float(i): " ".join(f"w{n}" for n in rng.integers(0, 10**6, 200)) for i in range(1000)}
    rows = 1 if classes == 2 else classes
    part = fit_texts(np.array(list(many)), many, missing=False, rows=rows, features=1)
    assert len(part.places()) * (8 * rows + 28) <= TEXTS_MAX_BYTES
    few = fit_texts(np.array([0.0]), {0.0: "a few words"}, missing=False, rows=rows, features=1)
    assert (few.bits, len(few.places())) == (BITS_MIN, 3)


WRONG = {
    "too few bits": {"bits": 11},
    "a bucket beyond the bits": {"buckets": np.array([1, 5000], "<i4").tobytes()},
    "descending buckets": {"buckets": np.array([5, 1], "<i4").tobytes()},
    "more frequencies than buckets": {"buckets": np.array([1], "<i4").tobytes()},
    "a frequency that isn't finite": {"idf": np.array([1.0, np.nan]).tobytes()},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_text_that_cannot_be_is_refused(case: str) -> None:
    model = fit(set_of_letters(50)).as_model(1, SCHEMA.names)
    assert model.encoder is not None
    good = TextPart(False, 12, 3, np.array([1, 5], "<i4").tobytes(), np.array([1.0, 2.0]).tobytes())
    bad = good._replace(**WRONG[case])  # type: ignore[arg-type]
    parts = tuple(bad if isinstance(one, TextPart) else one for one in model.encoder.parts)
    with pytest.raises(ValueError, match="can't be"):
        dataclasses.replace(model.encoder, parts=parts)
