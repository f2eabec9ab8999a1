"""``preflight``: a check of data, weights and settings in seconds, before any training."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from edgeft_core.cli.assembling import ConfigOption, DataOption, PresetOption, WeightsOption, assemble
from edgeft_core.cli.session import HomeOption, JsonOption, begin
from edgeft_core.config import RunConfig
from edgeft_core.preflight.report import PreflightReport

_MARKS = {"blocking": "BLOCKING", "warning": "WARNING", "info": "note"}
_INDENT = " " * 10


def preflight(
    context: typer.Context,
    *,
    preset: PresetOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    weights: WeightsOption = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be given many times."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check data, weights and settings before any training."""
    session = begin(context, home, as_json)
    chosen = assemble(preset, config, data, weights, assignments or [])
    cache = session.home.ensure().cache
    report = _checked(chosen, cache)
    session.answer({"preset": chosen.preset, **report.as_dict()}, described(report))


def _checked(config: RunConfig, cache: Path) -> PreflightReport:
    from edgeft_core.cli.working import Working  # noqa: PLC0415
    from edgeft_core.preflight.checking import preflight as check  # noqa: PLC0415
    from edgeft_core.preflight.kept import keep_report  # noqa: PLC0415

    with Working() as working:
        report = check(config, cache, working.tell)
    keep_report(cache, config, report)
    return report


def described(report: PreflightReport) -> str:
    """What ``preflight`` prints: what to mend first, then what is well."""
    lines: list[str] = []
    for one in report.findings:
        cause = f" ({one.cause})" if one.cause else ""
        lines += [f"{_MARKS[one.level]:<{len(_INDENT)}}{one.check}{cause}", *_wrapped(one.text)]
        lines += [f"{_INDENT}- {example}" for example in one.examples[:3]]
        lines += [f"{_INDENT}--set {key}={_plain(value)}" for key, value in one.fix.items()]
    for passed in report.passed:
        first, *rest = _wrapped(passed.text)
        lines += [f"{'ok':<{len(_INDENT)}}{first.strip()}", *rest]
    lines += [f"{'sampled':<{len(_INDENT)}}{text}" for text in report.sampled]
    lines += [f"{'unchecked':<{len(_INDENT)}}{text}" for text in report.unchecked]
    return "\n".join([*lines, _summary(report)])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _summary(report: PreflightReport) -> str:
    counts = {level: sum(one.level == level for one in report.findings) for level in ("blocking", "warning")}
    told = f"{counts['blocking']} blocking, {counts['warning']} warnings, {len(report.passed)} checks passed"
    return f"{told}, {report.took_s:.1f} s."
