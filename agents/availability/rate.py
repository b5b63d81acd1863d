"""How fast work goes on, by a total that rises."""

from __future__ import annotations

from collections import deque


class Rate:
    """Records per second over the last few seconds. The clock is the caller's, in seconds."""

    def __init__(self, window_s: float = 3.0) -> None:
        self._window_s = window_s
        self._points: deque[tuple[float, int]] = deque()

    def update(self, now_s: float, total: int) -> float:
        """The rate, given the total now."""
        self._points.append((now_s, total))
        while len(self._points) > 2 and now_s - self._points[0][0] > self._window_s:
            self._points.popleft()
        began_s, before = self._points[0]
        return (total - before) / (now_s - began_s) if now_s > began_s else 0.0
