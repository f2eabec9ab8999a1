"""Every bound and threshold of a proof: a name, a value, and why."""

from __future__ import annotations

# How long a trial may be.

STEPS = 250
"""Steps of each twin. Head-only steps take milliseconds; a head that can learn at all shows it in two passes over the
default data, and the verdict itself is given within 300 steps."""

BUDGET_CPU_S, BUDGET_S = 40.0, 150.0
"""For loading, the steps of both twins and the embedding that they need, in time of this process and by the clock: they
go apart where a run takes the cores. Scoring comes on top: six seconds each at most."""

STEPS_LEAST = 24
"""Fewer would only show the noise of a first epoch; then the trial says that the machine is too slow."""

VALIDATION_IMAGES = 520
"""Images never trained on that both are scored on, spread evenly: one per class at the default size. A band of guessing
of that many is twice as wide as with all of them, and embedding them takes a few seconds on one core."""

TRAINED_IMAGES = 1040
"""Images trained on where all would have to be embedded anew: two each of the default 518 people, six seconds on one
core. Too few to learn for new faces from, enough to see whether a head can learn."""

WINDOW_IMAGES = 1024
"""Latest training predictions that are compared at the end, at most half of those that were made."""

IMAGES_NEEDED = 64
"""Training images below which two dozen steps are the same images again and again."""

POINTS = 50
"""Of each series, for a small chart."""

LOOKS = 5
"""Validations along the way, where the backbone is frozen and they cost milliseconds."""

PIXELS_INSTEAD = 2.0
"""Where a view holds more than so many times the images that the steps need, a batch is embedded when it comes."""

# What counts as a difference.

SIGNIFICANT = 4.0
"""Standard errors between two shares. The twins see the same images, so chance alone parts them less than this formula
says; but training is a little chaotic, and two runs that differ in nothing that matters still part."""

GAIN_FACTOR, GAIN_POINTS = 1.5, 0.05
"""And it must matter: half as much again, or five points."""

CONCENTRATED = 2.0
"""The largest class is conspicuous at twice what labels and guessing explain, as on Live."""

SHARE_FACTOR = 0.5
"""A concentration is better when the largest class takes at most half of what it took, and there are twice as many
effective classes."""

CROWDED, SPREAD = 0.9, 0.8
"""Different people's mean cosine: alike from .9 on, told apart below .8 (as in the verdict)."""
