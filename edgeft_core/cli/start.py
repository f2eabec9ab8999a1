"""``train`` and ``presets``."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeft_core import jobs
from edgeft_core.cli.assembling import ConfigOption, DataOption, PresetOption, WeightsOption, assemble
from edgeft_core.cli.session import HomeOption, JsonOption, begin
from edgeft_core.presets import PRESETS


def train(
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
    name: Annotated[str, typer.Option(help="The run's name.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Show progress, and return how the run ended.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Start a run in the background and print its id."""
    session = begin(context, home, as_json)
    chosen = assemble(preset, config, data, weights, assignments or [])
    run = jobs.launch(session.home, chosen, name=name)
    if wait:
        from edgeft_core.cli.following import follow  # noqa: PLC0415

        return follow(session, run.id)
    folder = session.home.run_folder(run.id)
    log = session.home.log_file(run.id)
    data_out = {
        "run": run.id,
        "name": run.name,
        "state": run.state.value,
        "folder": str(folder),
        "log": str(log),
    }
    session.answer(data_out, run.id)
    return 0


def presets(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the presets."""
    session = begin(context, home, as_json)
    about = {name: " ".join((make.__doc__ or "").split("\n\n")[0].split()) for name, make in PRESETS.items()}
    listed = [
        {"name": name, "text": text, "config": PRESETS[name]().model_dump(mode="json")}
        for name, text in about.items()
    ]
    width = max(map(len, about))
    session.answer({"presets": listed}, "\n".join(f"{name:<{width}}  {text}" for name, text in about.items()))
