"""Are there pictures in the images at all?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeft_core.data.perceptual_hash import FLAT_STD
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import (
    CONSTANT_BLOCKING_SHARE,
    CONSTANT_WARNING_SHARE,
    END_LEVELS,
    ENDS_IMAGES,
    ENDS_SHARE,
    FEW_PICTURES_SHARE,
    NARROW_RANGE,
    UNREADABLE_WARNING_SHARE,
)


def unreadable(subject: Subject) -> Iterator[Finding | Passed]:
    """Files that cannot be decoded."""
    skipped, total = subject.data.skipped, len(subject.data) + len(subject.data.skipped)
    if not skipped:
        yield Passed("data.unreadable", f"All {total} images can be read.", {"images": total})
        return
    share = len(skipped) / total
    yield Finding(
        "data.unreadable",
        "warning" if share >= UNREADABLE_WARNING_SHARE else "info",
        f"{len(skipped)} of {total} images ({share:.1%}) cannot be read and are left out. Repair or remove them.",
        values={"images": total, "unreadable": len(skipped), "share": share},
        examples=tuple(f"{item}: {reason}" for item, reason in skipped[:5]),
    )


def constant(subject: Subject) -> Iterator[Finding | Passed]:
    """Black, white or otherwise flat images, and the same few placeholders again and again."""
    prints, rows_N = subject.fingerprints, subject.rows_N
    if 0.0 < prints.high - prints.low < NARROW_RANGE:
        return  # told by the check of the range: such pictures are faint, not empty
    flat = np.flatnonzero(prints.std_N < FLAT_STD)
    share, distinct = len(flat) / len(prints), prints.distinct()
    values = {"images": len(prints), "constant": len(flat), "share": share, "distinct": distinct}
    named = tuple(subject.data.item_id(int(row)) for row in rows_N[flat[:5]])
    if share >= CONSTANT_BLOCKING_SHARE or distinct < FEW_PICTURES_SHARE * len(prints):
        yield Finding(
            "data.constant",
            "blocking",
            f"{len(flat)} of {len(prints)} images are flat (black, white or one grey), and there are {distinct} "
            "different pictures among them: faces cannot be told apart by such images. Look at the files; a "
            "failed download or conversion leaves such placeholders.",
            cause="input.constant",
            values=values,
            examples=named,
        )
    elif len(flat):
        yield Finding(
            "data.constant",
            "warning" if share >= CONSTANT_WARNING_SHARE else "info",
            f"{len(flat)} of {len(prints)} images ({share:.1%}) are flat: they teach their identity that black is "
            "its face. Remove them.",
            cause="input.constant",
            values=values,
            examples=named,
        )
    else:
        text = f"No flat image among {len(prints)}; {distinct} different pictures."
        yield Passed("data.constant", text, values)


def pixel_range(subject: Subject) -> Iterator[Finding | Passed]:
    """Do the files use the range of 0 to 255?"""
    prints = subject.fingerprints
    values = {"low": prints.low, "high": prints.high}
    if prints.high == prints.low:
        return  # told by the check of flat images
    if prints.high - prints.low >= NARROW_RANGE:
        yield _ends(subject, values)
        return
    yield Finding(
        "data.pixel_range",
        "blocking",
        f"98 % of all grey levels lie between {prints.low:.1f} and {prints.high:.1f} of 255: the images look as if "
        "they had been scaled to 0..1 or normalised before they were saved. Save them as ordinary pictures of 0 to "
        "255; data.normalisation is applied afterwards.",
        cause="input.range",
        values=values,
    )


def _ends(subject: Subject, values: dict[str, float]) -> Finding | Passed:
    """Are most pixels black or white? Normalised numbers that were saved as bytes wrap around to both ends."""
    rows_N = subject.rows_N[np.linspace(0, len(subject.rows_N) - 1, ENDS_IMAGES).round().astype(np.int64)]
    pixels = subject.data.read_hr(np.unique(rows_N))
    share = float(((pixels <= END_LEVELS) | (pixels >= 255 - END_LEVELS)).mean())
    seen = f"Grey levels reach from {values['low']:.0f} to {values['high']:.0f} (1st to 99th percentile)"
    if share < ENDS_SHARE:
        return Passed("data.pixel_range", f"{seen}.", values | {"ends_share": share})
    return Finding(
        "data.pixel_range",
        "blocking",
        f"{seen}, and {share:.0%} of all pixels are black or white: the images look as if they had been normalised "
        "before they were saved, so that negative numbers wrapped around. Save them as ordinary pictures of 0 to 255; "
        "data.normalisation is applied afterwards.",
        cause="input.range",
        values=values | {"ends_share": share},
    )
