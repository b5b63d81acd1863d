"""Swapping: one message of `model-updates` → the live model of this process, or a refusal that leaves it as it is."""

from __future__ import annotations

import time
from collections import Counter

import structlog

from agents.live_model import LiveModel
from schemas.errors import BadModel
from schemas.signing import Verifier
from schemas.updates import Update, decode_update

log = structlog.get_logger()


class Swapper:
    """Decides on each message of the feed, in order. `refused` counts by reason."""

    def __init__(self, live: LiveModel, verifier: Verifier, namespace: str) -> None:
        self.refused: Counter[str] = Counter()
        self._live = live
        self._verifier = verifier
        self._namespace = namespace

    def apply(self, value: bytes | None) -> bool:
        """Make the champion in `value` live; False if it is refused, or there is nothing new in it."""
        try:
            update = decode_update(value, self._verifier, self._namespace)
            if update.role != "champion":
                log.debug("model_ignored", role=update.role, activation=update.activation)
                return False
            if self._is_live(update):
                log.debug("model_again", activation=update.activation)
                return False
            self._check_features(update)
            served = self._live.swap(update)
        except BadModel as exc:
            self.refused[exc.reason] += 1
            log.warning("model_refused", reason=exc.reason, error=exc.detail, refused=self.refused.total())
            return False
        ms = round(1000 * (time.time() - update.published_at), 1)
        log.info("model_swapped", version=served.model.version, activation=served.activation, published_ms_ago=ms)
        return True

    def _is_live(self, update: Update) -> bool:
        """The champion was published again: retrain mends the topic, or the topic was read again."""
        live, model = self._live.current, update.model
        return (
            live is not None
            and model is not None
            and (live.activation, live.model.version) == (update.activation, model.version)
        )

    def _check_features(self, update: Update) -> None:
        """Raises BadModel: a namespace's records have one feature schema for ever, and so have its models."""
        live, model = self._live.current, update.model
        if live is not None and model is not None and live.model.feature_names != model.feature_names:
            raise BadModel("shape", "its features are not those of the live model")
