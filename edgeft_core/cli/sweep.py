"""``sweep`` and ``sweep-results``: many heads at once, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from edgeft_core import jobs
from edgeft_core.cli.assembling import ConfigOption, DataOption, PresetOption, WeightsOption, assemble
from edgeft_core.cli.assignments import parse_assignments
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, Session, begin
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.config_sweep import SweepAxis
from edgeft_core.errors import ConfigError, RequestError
from edgeft_core.labs.sweep.axes import HOW_TO_WRITE, parse_axis
from edgeft_core.labs.sweep.axis_presets import AXIS_PRESETS
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.labs.sweep.heads import head_count

_FIRST: Final = next(iter(AXIS_PRESETS))


def sweep(
    context: typer.Context,
    *,
    axes: Annotated[
        list[str] | None,
        typer.Option(
            "--axis",
            metavar="KEY=VALUES",
            help="An axis: head.scale=4,8,16 or head.temperature=log:0.5..8:5.",
        ),
    ] = None,
    named: Annotated[
        str | None, typer.Option("--axes", metavar="NAME", help=f"Ready axes: {'; '.join(AXIS_PRESETS)}.")
    ] = None,
    draws: Annotated[
        int, typer.Option("--random", metavar="N", help="Draw N heads instead of the whole grid.", min=0)
    ] = 0,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="RUN", help="Data, backbone and settings of a run instead of a preset's."
        ),
    ] = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    weights: WeightsOption = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting that all heads share."),
    ] = None,
    name: Annotated[str, typer.Option(help="The sweep's name.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Show progress, and return how it ended.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Train many heads at once on one frozen backbone, in the background."""
    session = begin(context, home, as_json)
    problems: list[str] = []
    chosen = _axes(axes or [], named, problems)
    base = _base(session, source, preset, config, data, weights, assignments or [], problems)
    swept = _swept(base, chosen, draws, problems)
    run = jobs.launch(session.home, swept, name=name or ("" if base.sweep else f"sweep-{base.preset}"))
    if wait:
        from edgeft_core.cli.following import follow  # noqa: PLC0415

        return follow(session, run.id)
    assert swept.sweep is not None
    told = {"run": run.id, "name": run.name, "state": run.state.value, "heads": head_count(swept.sweep)}
    session.answer(told, run.id)
    return 0


def sweep_results(
    context: typer.Context,
    *,
    run: RunArgument,
    step: Annotated[
        int | None, typer.Option(metavar="N", help="As it was after step N; else the newest.", min=0)
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write every head at every look to a CSV file.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a sweep's heads were measured at, the best first."""
    from edgeft_core import queries  # noqa: PLC0415

    session = begin(context, home, as_json)
    results = queries.sweep_results(session.home, run)
    frame = queries.sweep_frame(results, step=step)
    if csv is not None:
        _write(csv, queries.sweep_frame(results, every_look=True).to_csv(index=False))
    if frame.empty:
        raise RequestError(
            f"Sweep {results.run.name} has measured nothing yet; it is {results.run.state.value}."
        )
    best = queries.best_heads(frame, count=len(frame))
    edge = queries.edge_report(results, frame)
    table = frame.set_index("head").loc[best].reset_index().to_string(index=False)
    data = queries.sweep_json(results, frame) | {"edge": {"sentences": edge.sentences, "marks": edge.marks}}
    session.answer(data, "\n".join([table, "", *edge.sentences, *edge.marks]))


def _base(  # noqa: PLR0917 - the options of train, in their order
    session: Session,
    source: str | None,
    preset: str | None,
    config: Path | None,
    data: str | None,
    weights: str | None,
    assignments: Sequence[str],
    problems: list[str],
) -> RunConfig:
    """What all heads share; what is wrong with it is added to ``problems``."""
    try:
        if source is None:
            return assemble(preset, config, data, weights, assignments)
        if preset or config:
            problems.append(
                "--from already says which settings to begin with: leave out --preset and --config"
            )
        with session.catalog() as catalog:
            base = catalog.run(source).config
        options = {
            key: value for key, value in (("data.source", data), ("backbone.weights", weights)) if value
        }
        return with_values(base, {**options, **parse_assignments(assignments)})
    except ConfigError as error:
        problems += error.problems
        return RunConfig()


def _swept(base: RunConfig, chosen: list[SweepAxis], draws: int, problems: list[str]) -> RunConfig:
    """The base over its axes: those chosen, else its own. Raises ConfigError for ``problems``, and without axes."""
    if not chosen and base.sweep is not None:
        chosen, draws = list(base.sweep.axes), draws or base.sweep.draws
    if not chosen and not problems:
        problems = [f'A sweep needs axes: {HOW_TO_WRITE}, each behind --axis; or --axes "{_FIRST}"']
    if problems:
        raise ConfigError(problems)
    return with_sweep(base, chosen, draws=draws)


def _axes(texts: Sequence[str], named: str | None, problems: list[str]) -> list[SweepAxis]:
    """The axes of the options; what is wrong with them is added to ``problems``."""
    chosen = list(AXIS_PRESETS.get(named or "", ()))
    if named is not None and not chosen:
        problems.append(f"--axes {named}: there are {', '.join(AXIS_PRESETS)}")
    for text in texts:
        try:
            chosen.append(parse_axis(text))
        except ConfigError as error:
            problems += error.problems
    return chosen


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"The CSV file {path} cannot be written ({error.strerror or error}).") from error
