"""Running one command: what it returns or raises becomes output and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from edgeft_core.cli import commands
from edgeft_core.cli.session import print_json
from edgeft_core.errors import ConfigError, EdgeFTError, RequestError

DONE, FAILED, WRONG_REQUEST, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 the run failed, 2 the request was wrong, 130 interrupted with Ctrl+C.
    """
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has gone, such as | head: nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _run(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(commands.app)
    try:
        code = command.main(arguments, prog_name="python -m edgeft_core", standalone_mode=False)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _refuse(_explained(error), "--json" in arguments)
    return code if isinstance(code, int) else DONE


def _explained(error: Exception) -> EdgeFTError:
    """What went wrong, as an error that can be told."""
    if isinstance(error, EdgeFTError):
        return error
    if isinstance(error, typer.Abort):
        return RequestError("Not done.")
    if (sentence := _misuse(error)) is not None:
        return RequestError(sentence)
    traceback.print_exception(error)
    return EdgeFTError(f"Unexpected {type(error).__name__}: {error}")


def _misuse(error: Exception) -> str | None:
    """What the parser says about a verb or option that it cannot read; None for other errors."""
    say = getattr(error, "format_message", None)
    return f"{say()} See: python -m edgeft_core --help" if callable(say) else None


def _refuse(error: EdgeFTError, as_json: bool) -> int:
    problems = list(error.problems) if isinstance(error, ConfigError) else []
    if as_json:
        print_json({"error": str(error), **({"problems": problems} if problems else {})})
    elif len(problems) > 1:
        print(f"Error: {len(problems)} settings are wrong:", *problems, sep="\n  ", file=sys.stderr)
    else:
        print(f"Error: {error}", file=sys.stderr)
    return WRONG_REQUEST if isinstance(error, RequestError) else FAILED
