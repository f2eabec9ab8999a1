"""``evaluate`` and ``train-sr``: the verbs that compute in this process and therefore load torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from edgeft_core.cli.assembling import DataOption
from edgeft_core.cli.assignments import parse_assignments
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, begin
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import RequestError
from edgeft_core.events import Progress
from edgeft_core.store.contract import CheckpointRecord, RunRecord

Split = Literal["train", "validation", "test"]
Kind = Literal["best", "last"]


def evaluate(
    context: typer.Context,
    *,
    run: RunArgument,
    split: Annotated[Split, typer.Option(help="Which images.")] = "test",
    checkpoint: Annotated[Kind, typer.Option(help="Which weights of the run.")] = "best",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a run's checkpoint: identification, verification, similarity."""
    session = begin(context, home, as_json)
    with session.catalog() as catalog:
        record = catalog.run(run)
        saved = _checkpoint_of(record, catalog.checkpoints(record.id), checkpoint)
    folder = session.home.run_folder(record.id)

    from edgeft_core.cli.working import Working  # noqa: PLC0415
    from edgeft_core.evaluation.checkpoint_report import evaluate_checkpoint  # noqa: PLC0415

    events = evaluate_checkpoint(
        record.config, folder / saved.path, split, folder=folder, cache=session.home.cache
    )
    with Working() as working:
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                report: dict[str, Any] = stop.value
                break
            if isinstance(event, Progress):
                working.tell(event.what, event.done, event.total)
    session.answer({"run": record.id, "checkpoint": saved.kind, **report}, _report_text(record, report))


def _checkpoint_of(record: RunRecord, saved: list[CheckpointRecord], wanted: Kind) -> CheckpointRecord:
    """The wanted checkpoint, else the last one (a run that was never validated has no best)."""
    by_kind = {one.kind: one for one in saved}
    found = by_kind.get(wanted) or by_kind.get("last")
    if found is None:
        raise RequestError(
            f"Run {record.name} ({record.id}) has no checkpoint yet; the first comes after an epoch."
        )
    return found


def _report_text(record: RunRecord, report: dict[str, Any]) -> str:
    lines = [
        f"{record.name} ({record.id}), step {report['step']}: {report['images']} {report['split']} images, "
        f"{report['classes']} classes"
    ]
    for part in ("identification", "nearest_class_mean", "verification", "similarity"):
        values = report[part] or {}
        lines += [f"  {part}.{name} {_value(value)}" for name, value in values.items()]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{one:.3g} at {far}" for far, one in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def train_sr(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the weights go (safetensors).")],
    data: DataOption = None,
    low_res_px: Annotated[int, typer.Option(help="Edge of the low-resolution faces: 16, 24 or 32.")] = 32,
    steps: Annotated[int, typer.Option(help="Optimiser steps.", min=1)] = 3000,
    batch_size: Annotated[int, typer.Option(help="Images per step.", min=1)] = 16,
    lr: Annotated[float, typer.Option(help="Peak learning rate.", min=1e-8, max=1.0)] = 1e-3,
    seed: Annotated[int, typer.Option(help="Of every random choice.", min=0)] = 42,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A data setting, data.identities=100."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the small super-resolution network and keep its best weights."""
    session = begin(context, home, as_json)
    options: dict[str, Any] = {"data.low_res_px": low_res_px, **({"data.source": data} if data else {})}
    config = with_values(RunConfig(), {**options, **parse_assignments(assignments or [])})
    session.home.ensure()

    from edgeft_core.cli.working import Working  # noqa: PLC0415
    from edgeft_core.engine.train_sr import train_super_resolution  # noqa: PLC0415

    with Working() as working:
        figures = train_super_resolution(
            config.data,
            out=out,
            cache=session.home.cache,
            steps=steps,
            batch_size=batch_size,
            lr=lr,
            seed=seed,
            device=device,
            progress=working.tell,
        )
    text = "{psnr_db:.2f} dB, bicubic {psnr_bicubic_db:.2f} dB, step {step} of {steps}".format_map(figures)
    session.answer({"file": str(out), **figures}, f"{out}: {text}")
