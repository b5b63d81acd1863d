"""Swapping the live model: verify, compare activations, rebind one reference. A refusal changes nothing."""

from __future__ import annotations

import time
from collections import Counter

import structlog

from agents.live_model import LiveModel
from schemas.errors import BadModel
from schemas.signing import Verifier
from schemas.updates import decode_update

log = structlog.get_logger()


class Swapper:
    """Takes the messages of `model-updates` one by one; `refused` counts the refusals by reason."""

    def __init__(self, live: LiveModel, verifier: Verifier, namespace: str) -> None:
        self.refused: Counter[str] = Counter()
        self._live = live
        self._verifier = verifier
        self._namespace = namespace

    def take(self, value: bytes | None) -> None:
        """Make the model in one message live, or say why not; never raises for what the message holds."""
        try:
            update = decode_update(value, self._verifier, self._namespace)
            if update.key != "champion":
                log.debug("shadow_passed_over", activation=update.activation)
                return
            served = self._live.swap(update)
        except BadModel as exc:
            self.refused[exc.reason] += 1
            live = self._live.current
            log.warning(
                "model_refused", reason=exc.reason, error=exc.detail, live=live.activation if live is not None else None
            )
        else:
            log.info(
                "model_swapped",
                model=served.model.version,
                activation=served.activation,
                since_published_ms=round(1000 * (time.time() - update.published_at), 1),
            )
