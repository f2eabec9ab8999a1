"""The verbs, in the order in which help lists them."""

from __future__ import annotations

import typer

from edgeft_core.cli import autopilot, diagnose, fork, live, look, measure, preflight, prove, start, sweep
from edgeft_core.cli.session import HomeOption, JsonOption

app = typer.Typer(
    name="edgeft",
    help="Fine-tune face-recognition backbones and watch for class collapse.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Fine-tune face-recognition backbones and watch for class collapse."""


app.command("train")(start.train)
app.command("presets")(start.presets)
app.command("preflight")(preflight.preflight)
app.command("runs")(look.runs)
app.command("show")(look.show)
app.command("metrics")(look.metrics)
app.command("diagnose")(diagnose.diagnose)
app.command("prove")(prove.prove)
app.command("apply")(prove.apply)
app.command("autopilot")(autopilot.autopilot)
app.command("set")(live.set_values)
app.command("undo")(live.undo)
app.command("rewind")(live.rewind)
app.command("replay")(live.replay)
app.command("pause")(live.pause)
app.command("resume")(live.resume)
app.command("stop")(live.stop)
app.command("checkpoint")(live.checkpoint)
app.command("fork")(fork.fork)
app.command("delete")(live.delete)
app.command("evaluate")(measure.evaluate)
app.command("sweep")(sweep.sweep)
app.command("sweep-results")(sweep.sweep_results)
app.command("train-sr")(measure.train_sr)
