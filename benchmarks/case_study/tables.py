"""Markdown tables from a kept measurement. Every number of the document's tables is made here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.case_study.grid import CENTRING, KINDS, KNOBS, SETTINGS
from benchmarks.case_study.pull_only import SECOND_STAGES
from benchmarks.case_study.result import Cells, Over, Result, centred
from edgeft_core.figures.theme import format_number, format_percent

SCORES = (
    "largest class, training",
    "largest class, new",
    "effective / ever predicted, new",
    "Top-1 / Top-5, training",
    "Top-1 / Top-5, new",
    "logit std, faces / classes",
)
SETTING_TITLES = {"before": "before", "fix": "reported fix", "recommended": "recommended"}


def first_look(result: Result) -> str:
    """Embeddings before any training, one row per kind."""
    rows = []
    for kind in result.kinds:
        look = result.cells("first_look", kind)
        first_ten = result.cells("grid", kind, "before", "plain")
        rows.append(
            [
                KINDS[kind].title,
                cosine(look.over("cos_different")),
                cosine(look.over("cos_same")),
                cosine(look.over("cos_same_image")),
                f"{percent(look.over('ncm_top1'))} / {percent(look.over('ncm_top1_centred'))}",
                spread(look.over("max_class_share")),
                whole(look.over("unique_classes")),
                ", ".join(str(alike(one["first_predicted"])) for one in first_ten.of_seed.values())
                + " of 10",
            ]
        )
    heads = (
        "embeddings",
        "different people",
        "same person",
        "same image",
        "nearest class mean, as is / centred",
    )
    return table([*heads, "largest class", "classes predicted", "of the first ten faces, one class"], rows)


def grid(result: Result, kind: str) -> str:
    """One kind of embeddings under all settings."""
    rows = []
    for setting in SETTINGS:
        for centre in CENTRING:
            cells = result.cells("grid", kind, setting, centred(centre))
            rows.append(
                [SETTING_TITLES[setting], "yes" if centre else "no", *_scores(cells), *judgement(cells)]
            )
    return table(["head", "centred", *SCORES, "verdict", "first cause"], rows)


def _scores(cells: Cells) -> list[str]:
    faces, classes = cells.over("logit_std_samples"), cells.over("logit_std_classes")
    return [
        percent(cells.over("train_max_class_share")),
        spread(cells.over("val_max_class_share")),
        f"{whole(cells.over('val_effective_classes'))} / {whole(cells.over('val_unique_classes'))}",
        f"{percent(cells.over('train_top1'))} / {percent(cells.over('train_top5'))}",
        f"{percent(cells.over('val_top1'))} / {percent(cells.over('val_top5'))}",
        f"{format_number(faces.mean)} / {format_number(classes.mean)}",
    ]


def knobs(result: Result, kind: str) -> str:
    """The reported change taken apart, on one kind of embeddings."""
    rows = []
    for name in knob_names(result):
        cells = knob(result, kind, name)
        rows.append([name, *_scores(cells), judgement(cells)[0]])
    return table(["changed of *before*", *SCORES, "verdict"], rows)


def knob_names(result: Result) -> list[str]:
    """Rows that were measured for at least one kind; ``before`` and ``fix`` come from the grid."""
    measured = {key.split("/")[1] for key in result.content.get("knobs", {})}
    return ["nothing", *(name for name in KNOBS if name in measured), "all four: the reported fix"]


def knob(result: Result, kind: str, name: str) -> Cells:
    """All seeds of one row and kind."""
    ends = {"nothing": "before", "all four: the reported fix": "fix"}
    if name in ends:
        return result.cells("grid", kind, ends[name], "plain")
    return result.cells("knobs", kind, name)


def invariance(result: Result, kind: str) -> str:
    """One trained head under other scales and temperatures."""
    rows = [
        [
            format_number(one["scale"]),
            format_number(one["temperature"]),
            format_number(one["scale"] / one["temperature"]),
            f"{one['changed_argmax']} of {one['images']}",
            f"{one['changed_top5']} of {one['images']}",
            f"{format_percent(one['top1'])} / {format_percent(one['top5'])}",
            format_percent(one["max_class_share"]),
            format_number(one["logit_std"]),
            format_percent(one["largest_probability"]),
        ]
        for one in result.content["invariance"][kind]
    ]
    heads = (
        "s",
        "T",
        "s / T",
        "predicted class differs",
        "best five differ",
        "Top-1 / Top-5",
        "largest class",
    )
    return table([*heads, "logit std", "mean largest probability"], rows)


def second_stages(result: Result) -> str:
    """What a second stage did, before -> after."""
    rows = []
    for name in SECOND_STAGES:
        found = result.content.get("pull_only", {}).get(name)
        if found is None:
            continue
        before, after = found["before"], found["after"]
        rows.append(
            [
                name,
                *(
                    f"{_four(before[one])} -> {_four(after[one])}"
                    for one in ("val_cos_same_image", "val_cos_different", "val_cos_same")
                ),
                f"{format_number(before['val_d_prime'])} -> {format_number(after['val_d_prime'])}",
                f"{format_percent(before['val_top1'])} -> {format_percent(after['val_top1'])}",
                format_percent(after["ncm_top1"]),
                f"{found['bad_verdict'] or found['verdict']}; {cause_words(found)}",
            ]
        )
    heads = ("second stage", "same image", "different people", "same person", "d'", "Top-1, new images")
    return table([*heads, "nearest class mean, after", "verdict; first cause"], rows)


def judgement(cells: Cells) -> list[str]:
    """Verdict and first cause over the seeds; where seeds differ, how many of each."""
    statuses = Counter(one["bad_verdict"] or one["verdict"] for one in cells.of_seed.values())
    since = [str(one["bad_since"]) for one in cells.of_seed.values() if one["bad_verdict"]]
    ends = [
        one["verdict"] for one in cells.of_seed.values() if one["bad_verdict"] not in {"", one["verdict"]}
    ]
    text = counted(statuses)
    if since:
        text += f" (step {', '.join(since)}" + (f"; {counted(Counter(ends))} at the end)" if ends else ")")
    return [text, counted(Counter(cause_words(one) for one in cells.of_seed.values()))]


def cause_words(cell: object) -> str:
    """``input.range .98``; "none" where nothing is reported."""
    assert isinstance(cell, dict)
    return f"`{cell['cause']}` {cell['confidence']:.2f}".replace(" 0.", " .") if cell["cause"] else "none"


def counted(found: Counter[str]) -> str:
    """One word where all agree, else each with its count."""
    if len(found) == 1:
        return next(iter(found))
    return ", ".join(f"{count} x {word}" for word, count in found.most_common())


def alike(predicted: Sequence[int]) -> int:
    """How many faces got the class that most of them got."""
    return Counter(predicted).most_common(1)[0][1]


def percent(over: Over) -> str:
    return format_percent(over.mean)


def spread(over: Over) -> str:
    """Mean, and the range of the seeds where it is not one number."""
    least, most = format_percent(over.least), format_percent(over.most)
    return percent(over) if least == most else f"{percent(over)} ({least.removesuffix(' %')} to {most})"


def cosine(over: Over) -> str:
    return f"{over.mean:.3f}".replace("0.", ".", 1)


def _four(value: float) -> str:
    return f"{value:.4f}".replace("0.", ".", 1)


def whole(over: Over) -> str:
    return f"{over.mean:.0f}" if over.mean >= 10 else f"{over.mean:.1f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
