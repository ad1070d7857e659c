"""One line that says what a long command is doing, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 30.0  # seconds between two lines where standard error is no terminal


@contextmanager
def status_line(first: str) -> Iterator[Callable[[str], None]]:
    """Hand out a function that replaces the line; where there is no terminal, it prints now and then."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(escape(first)) as status:
            yield lambda text: status.update(escape(text))
        return
    spoken = time.monotonic()

    def say(text: str) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= EVERY:
            spoken = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    yield say
