"""Sentences of the document that carry measured numbers: made from the measurement, so that none can go stale."""

from __future__ import annotations

from benchmarks.case_study.grid import KINDS
from benchmarks.case_study.result import Over, Result
from benchmarks.case_study.tables import SETTING_TITLES, percent
from edgeft_core.diagnostics.chance import max_share_chance, top_k_chance
from edgeft_core.diagnostics.theory import attainable_probability, random_logit_std
from edgeft_core.figures.theme import format_percent

EMBEDDING_DIM = 512
REPORTED_STD = {"before": (32.0, 1.4759), "fix": (8.0, 0.3615)}
"""Scale and logit std of the first batch, from the original log."""


def measured(result: Result) -> str:
    """Where the numbers come from."""
    content = result.content
    seeds = ", ".join(str(seed) for seed in result.seeds)
    meaning = "each draws other people, another split, another head and other random weights"
    counted = f"Seeds {seeds} ({meaning})" if len(result.seeds) > 1 else f"One seed ({seeds})"
    fewer = [
        f"{KINDS[kind].title} ({count})"
        for kind in result.kinds
        if (count := len(result.cells("first_look", kind).of_seed)) < len(result.seeds)
    ]
    return (
        f"Measured on {content['date']} on a {content['machine']}, torch {content['torch']}, one thread. {counted}"
        f"{'; fewer for ' + ', '.join(fewer) if fewer else ''}. Five epochs of the head on cached embeddings."
    )


def short(result: Result) -> str:
    """The case in five findings."""
    look = {kind: result.cells("first_look", kind) for kind in result.kinds}
    shares = {kind: cells.over("max_class_share") for kind, cells in look.items()}
    raw, half = "unnormalised", "half_loaded"
    return "\n".join(
        [
            f"1. **It was there before any training.** With pixels as 0 to 255, a head that nobody has trained gives "
            f"{percent(shares[raw])} of all new faces one class; {percent(shares['healthy'])} with healthy "
            "embeddings. Scale, margin, temperature and learning rate have not acted yet.",
            f"2. **Settings of the softmax are not the cure.** Top-1 on new faces, input 0 to 255: "
            f"{_top1(result, raw, 'before')} before, {_top1(result, raw, 'fix')} with the reported change, "
            f"{_top1(result, raw, 'recommended')} with the app's own settings. The same settings *before* on the same "
            f"faces, normalised: **{_top1(result, 'healthy', 'before')}**.",
            f"3. **On healthy embeddings all three settings work**: {_top1(result, 'healthy', 'before')}, "
            f"{_top1(result, 'healthy', 'fix')}, {_top1(result, 'healthy', 'recommended')}.",
            f"4. **Centring cures half of it**: input 0 to 255 with the mean removed reaches "
            f"{_top1(result, raw, 'before', 'centred')} (before), {_top1(result, raw, 'fix', 'centred')} (reported "
            f"change) and {_top1(result, raw, 'recommended', 'centred')} (recommended). It needs no restart, and is no "
            "match for right pixels.",
            f"5. **Half-loaded weights cannot be centred away**: {_top1(result, half, 'before')} becomes "
            f"{_top1(result, half, 'before', 'centred')}, at best "
            f"{_top1(result, half, 'recommended', 'centred')} with recommended settings; the whole file gives "
            f"{_top1(result, 'healthy', 'recommended')}.",
        ]
    )


def same_before_training(result: Result) -> str:
    """Do the settings change what the untrained head predicts?"""
    pairs = [(kind, seed) for kind in result.kinds for seed in result.cells("first_look", kind).of_seed]
    same = sum(len(result.first_predictions(kind, seed)) == 1 for kind, seed in pairs)
    return (
        f"In {same} of {len(pairs)} combinations of embeddings and seed, all six settings (before, fix, recommended, "
        "each without and with centring) gave the first ten faces exactly the same classes."
    )


def report(result: Result) -> str:
    """The two logit deviations of the original log, explained by the scale."""
    lines = [
        "| | scale s | in the report | s / sqrt(512) | first batch here, times T |",
        "| --- | --- | --- | --- | --- |",
    ]
    for setting, (scale, reported) in REPORTED_STD.items():
        temperature = 4.0 if setting == "fix" else 1.0
        here = result.cells("grid", "unnormalised", setting, "plain").over("first_logit_std")
        lines.append(
            f"| {setting} | {scale:g} | {reported} | {random_logit_std(scale, EMBEDDING_DIM):.4f} "
            f"| {here.mean * temperature:.4f} |"
        )
    return "\n".join(lines)


def guessing(result: Result) -> str:
    """What chance gives at this size."""
    classes = int(result.content["identities"])
    images = int(result.cells("first_look", "healthy").over("images").mean)
    return (
        f"Guessing among {classes} people: Top-1 {format_percent(top_k_chance(1, classes))}, Top-5 "
        f"{format_percent(top_k_chance(5, classes))}, largest class among {images} images below "
        f"{format_percent(max_share_chance(classes, images))}. At s / T = 2 no face can get more than "
        f"{format_percent(attainable_probability(2.0, classes))}."
    )


def below_chance(result: Result) -> str:
    """Training accuracy under one shared direction, beside what guessing gives."""
    classes = int(result.content["identities"])
    parts = []
    for setting, words in (("before", "before"), ("fix", "with the reported change")):
        cells = result.cells("grid", "unnormalised", setting, "plain")
        first, last, new = (cells.over(name) for name in ("first_epoch_top5", "train_top5", "val_top5"))
        parts.append(
            f"{words}, training Top-5 is {percent(first)} over the first epoch and {percent(last)} over the last, "
            f"on new faces {percent(new)}"
        )
    return f"Input 0 to 255: {'; '.join(parts)} (chance {format_percent(top_k_chance(5, classes))})."


def collapse_over_epochs(result: Result) -> str:
    """Largest class of new images after each epoch, input 0 to 255."""
    heads = ["after epoch", *(str(epoch) for epoch in range(1, _epochs(result) + 1))]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join(['---'] * len(heads))} |"]
    for setting, words in (("before", "before"), ("fix", "reported fix")):
        cells = result.cells("grid", "unnormalised", setting, "plain")
        for signal, what in (("val_max_class_share", "largest class"), ("val_top5", "Top-5")):
            series = [one["epochs"][signal] for one in cells.of_seed.values()]
            means = [Over(values).mean for values in zip(*series, strict=True)]
            lines.append(f"| {words}, {what} | {' | '.join(format_percent(value) for value in means)} |")
    return "\n".join(lines)


def wandering(result: Result) -> str:
    """The largest class within batches, over the window, and at one moment: one favourite at a time, never for long."""
    chosen = [("healthy", "before"), *(("unnormalised", setting) for setting in SETTING_TITLES)]
    heads = [
        "embeddings, head",
        "in one batch of 32",
        "over the latest 1024 faces",
        "all new faces, at one moment",
    ]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join(['---'] * len(heads))} |"]
    for kind, setting in chosen:
        cells = result.cells("grid", kind, setting, "plain")
        named = ("train_batch_max_class_share", "train_max_class_share", "val_max_class_share")
        shares = [percent(cells.over(name)) for name in named]
        lines.append(f"| {KINDS[kind].title}, {SETTING_TITLES[setting]} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _epochs(result: Result) -> int:
    one = next(iter(result.cells("grid", "unnormalised", "before", "plain").of_seed.values()))
    return len(one["epochs"]["val_top5"])


def _top1(result: Result, kind: str, setting: str, centred: str = "plain") -> str:
    return percent(result.cells("grid", kind, setting, centred).over("val_top1"))
