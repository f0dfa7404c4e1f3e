"""Answers that take long, in slices: between two of them whoever drives the broker may attend to others.

A handler that may take long is a generator: it yields when it has worked for a while, which should be some ten milliseconds,
and goes on when it is asked to. Nothing that it reads between two slices may depend on what happens meanwhile.
"""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Sliced = Generator[None, None, T]
"""Work that is done in slices, and comes to a T in the end."""


def whole(work: Sliced[T]) -> T:
    """What the work comes to, done at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
