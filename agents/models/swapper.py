"""Applying one message of `model-updates` to the live model or the shadow, once its signature is verified.

A refused message changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter

import structlog

from relearn.agents.models.live import LiveModel
from relearn.schemas.errors import BadModel
from relearn.schemas.model.signatures import Verifier
from relearn.schemas.model.signed_schema import decode_chain
from relearn.schemas.model.signed_updates import Update, decode_update

log = structlog.get_logger()


class Swapper:
    """Applies each message of the feed, in order. `refused` counts refusals by reason."""

    def __init__(self, live: LiveModel, verifier: Verifier, namespace: str) -> None:
        self.refused: Counter[str] = Counter()
        self._live = live
        self._verifier = verifier
        self._namespace = namespace

    def apply(self, value: bytes | None) -> bool:
        """Apply one message. Returns False if it is refused or contains nothing new."""
        try:
            update = decode_update(value, self._verifier, self._namespace)
            if not is_new(self._live, update):
                # The retrain role republished it, or the topic was read again.
                log.debug("model_again", role=update.role, activation=update.activation)
                return False
            self._check_features(update)
            if update.key == "champion":
                self._swap(update)
            else:
                self._swap_shadow(update)
        except BadModel as exc:
            self._refuse("model_refused", exc)
            return False
        return True

    def apply_schema(self, value: bytes | None) -> bool:
        """Apply one message with the versions of the features. Returns False if it is refused or has nothing new."""
        try:
            chain = decode_chain(value, self._verifier, self._namespace)
            new = self._live.take_chain(chain)
        except BadModel as exc:
            self._refuse("schema_refused", exc)
            return False
        if new:
            log.info("schema_changed", version=chain.newest.number, features=len(chain.newest.schema))
        return new

    def _swap(self, update: Update) -> None:
        served = self._live.swap(update)
        ms = _ms_since(update)
        log.info("model_swapped", version=served.model.version, activation=served.activation, published_ms_ago=ms)
        shadow = self._live.shadow
        if shadow is not None and not served.fits(shadow):
            # The shadow came before any champion, or was compared with one of other features.
            self._live.drop_shadow()
            self._refuse("shadow_dropped", BadModel("shape", "its features are not those of the champion"))

    def _swap_shadow(self, update: Update) -> None:
        before = self._live.shadow
        shadow = self._live.swap_shadow(update)
        if shadow is not None:
            version, activation, ms = shadow.model.version, shadow.activation, _ms_since(update)
            log.info("shadow_begun", version=version, activation=activation, published_ms_ago=ms)
        elif before is not None:
            log.info("shadow_ended", version=before.model.version, activation=update.activation)

    def _check_features(self, update: Update) -> None:
        """Raises BadModel: models have the namespace's features; only a champion of a later chain replaces these."""
        live, model = self._live.current, update.model
        if live is None or model is None or live.fits(update):
            return
        if update.key == "shadow" or update.schema <= live.schema:
            raise BadModel("shape", "its features are not those of the live model")

    def _refuse(self, event: str, fault: BadModel) -> None:
        self.refused[fault.reason] += 1
        log.warning(event, reason=fault.reason, error=fault.detail, refused=self.refused.total())


def is_new(live: LiveModel, update: Update) -> bool:
    """Whether `update` comes after the last one under its key; False: it is that one, published or read again.

    Updates of roles `shadow` and `none` are ordered by activation among themselves, independent of the champion.

    Raises:
        BadModel: with reason `stale`: the last update has an activation as high or higher.
    """
    last, version = live.last(update.key)
    if (update.activation, update.model.version if update.model else None) == (last, version):
        return False
    if update.activation <= last:
        known = f"{last} is live" if update.key == "champion" else f"the last word on the shadow is {last}"
        raise BadModel("stale", f"activation {update.activation}; {known}")
    return True


def _ms_since(update: Update) -> float:
    return round(1000 * (time.time() - update.published_at), 1)
