"""``key=value`` words of the command line."""

from __future__ import annotations

from collections.abc import Iterable

from edgeft_core.errors import ConfigError


def parse_assignments(words: Iterable[str]) -> dict[str, str]:
    """``["head.scale=8", "data.source=/a=b"]`` as a mapping; the first ``=`` divides, a later word wins.

    Raises:
        ConfigError: lists every word that is no assignment.
    """
    values, problems = divided(words)
    if problems:
        raise ConfigError(problems)
    return values


def divided(words: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The assignments among the words, and a sentence for each word that is none."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for word in words:
        key, divider, value = word.partition("=")
        if divider and key.strip():
            values[key.strip()] = value.strip()
        else:
            problems.append(f"{word!r}: write key=value, such as head.scale=8")
    return values, problems
