"""The demo's two stories: a model learns from the reviews of a stream; and the world shifts under a model."""

from __future__ import annotations

import asyncio

from relearn.scripts.demo.scene import Scene
from relearn.scripts.demo.screen import percent

#: So many records show how often the first champion errs.
FIRST_LOOK = 2000
REVIEWS_PER_S = 20.0
#: Where the second challenger isn't better, the first act waits for another; after a shift the first is good already.
TRAININGS, TRAININGS_SHIFTED = 3, 2
#: In the second act few are reviewed before the shift: after it, drift is seen before there are labels enough to train.
BEFORE_SHIFT_S = 2.0
#: So many records after the shift show how far the champion has fallen.
SECOND_LOOK = 500


async def learning(scene: Scene) -> None:
    """Errors show, a reviewer answers, and what is learned is promoted and served."""
    await scene.until_seen(FIRST_LOOK)
    _tell_errors(scene)
    scene.review(REVIEWS_PER_S)
    await scene.until_learned(TRAININGS)


async def drifting(scene: Scene) -> None:
    """All is well until readings shift; drift is seen, reviews go on, and a model that knows the shift takes over."""
    assert scene.shift is not None
    await scene.until_seen(FIRST_LOOK)
    await scene.until(lambda: scene.drifts.referenced)
    _tell_errors(scene)
    scene.review(REVIEWS_PER_S)
    await asyncio.sleep(BEFORE_SHIFT_S)
    before = scene.lately
    scene.running.stream.change = scene.shift.apply
    scene.retrains.mark()
    scene.tell("shift", scene.shift.words)
    await scene.until_seen(SECOND_LOOK)
    scene.tell(
        "errors", f"{percent(scene.lately)} of the last ones are right, {percent(before)} before the shift", "red"
    )
    await scene.until_learned(TRAININGS_SHIFTED)


def _tell_errors(scene: Scene) -> None:
    accuracy = scene.running.watch.accuracy
    wrong = accuracy.seen - accuracy.right
    scene.tell("answers", f"{percent(accuracy.overall)} are right: {wrong:,} of the first {accuracy.seen:,} are wrong")
