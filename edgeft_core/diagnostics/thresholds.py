"""Every threshold of verdicts and causes: a name, a value, and why.

Measured means: on faces of the AT&T set and on drawn ones, with the fault and without it; see docs/diagnosis.md.
"""

from __future__ import annotations

# When the tracker looks.

CHECK_SHARE_OF_WINDOW = 0.25
"""A check every quarter of the window of predictions: neighbours share three quarters of their images, the fourth
check is independent of the first."""

WARMUP_STEPS_LEAST = 40
"""A head of any size has moved away from its random start by then (Adam moves every weight in every step)."""

WARMUP_STEPS_MOST = 150
"""Later than this nobody should have to wait for a verdict: 300 steps is the promise, persistence takes 30."""

STALL_EPOCHS = 1.5
"""Without any progress, every image must have been seen at least once, most twice, before a run counts as stalled."""

STALL_STEPS_LEAST, STALL_STEPS_MOST = 120, 600
"""Bounds for that: tiny data sets have epochs of ten steps, large ones of ten thousand."""

STALL_SHARE_OF_STAGE = 0.6
"""A short stage must hear about it before it ends."""

# How stubborn a verdict is.

PERSIST_CHECKS = 3
"""Bad verdicts need so many checks in a row: one odd window is no collapse."""

RECOVER_CHECKS = 4
"""And so many good ones to be taken back, so that a run on the edge does not flicker."""

SETTLE_CHECKS = 2
"""Between the harmless verdicts two checks are enough."""

# Predictions.

CONCENTRATED_EXCESS = 0.25
"""Share of predictions that the largest class has beyond what labels and guessing explain. Random heads on healthy
embeddings stay below .1 (facts: .7 % to 10.7 %); collapsed ones measured .3 to 1."""

CONCENTRATED_CLASSES = 0.12
"""Effective classes as a share of what even guessing would show in the window. Healthy heads: above .5 after the
first epoch; collapsed embeddings: .01 to .1."""

MAJORITY_EXCESS = 0.5
"""More than half of all predictions on one class for no reason is a collapse whatever the rest looks like."""

FEW_CLASSES = 0.5
"""Half of the classes missing from the predictions supports a collapse that other signals show."""

# Embeddings.

COLLAPSED_LEVEL = 0.69
"""Collapse level at a mean cosine of .9 between different people; healthy backbones measured .0 to .45."""

COLLAPSED_COSINE = 0.90
"""The same as a cosine. Random backbones measured .1 to .37, ImageNet features .67, input as 0 to 255 .7 to .97."""

POINT_COSINE = 0.95
"""From here on ten random predictions are all equal in one of five draws (facts): the embedding is a point."""

# Logits.

IGNORED_STD = 0.33
"""Spread of a class' logit over faces as a share of s / (T sqrt d): sqrt(1 - rho) of healthy, .32 at rho = .9."""

IGNORED_INFORMATION = 0.15
"""Mutual information as a share of what random directions give, (s / T)^2 / 2d: 1 - rho of healthy, .1 at .9."""

# Progress.

GAP_SEEN = 0.15
"""(cos_y - cos_other) in standard deviations over a window: noise is .03 (1 / sqrt of 1024 images), so this is five
of them, and Top-5 of 518 classes is then half again above chance."""

GAP_RISING = 0.06
"""Growth of that gap over a window and a half that is no noise (two standard deviations)."""

GAP_USEFUL = 0.6
"""A run that will get here by the end of its stage at its pace is slow, not stalled: Top-5 is then four times chance
for 518 classes."""

GAP_SLOW = 0.3
"""A run that has left chance by a hair and will not even get here is as good as stalled: its Top-5 would end at twice
chance."""

BY_A_HAIR = 1.5
"""Times the upper end of the band of guessing: beyond, a run learns, however slowly."""

EASED = 0.67
"""A concentration that has lost a third of itself over a window and a half is on its way out."""

COSINE_FALLING = 0.02
"""Fall of the mean cosine of different people over a window and a half: the backbone is spreading them."""

TOP5_FROM_CLASSES = 20
"""Below this many classes guessing's Top-5 is a quarter or more, and Top-1 alone says more."""

BAND_DEVIATIONS = 3.3
"""Standard deviations that leave .0005 above them, as the band of guessing does."""

WELL_ABOVE_BAND = 3.0
"""Top-1 is well above chance at so many times the upper end of the band of guessing."""

WELL_ABOVE_SKILL = 0.25
"""Or at this share of the way from guessing to perfect, where there are few classes."""

BAD_GENERALISATION_VALIDATIONS = 2
"""So many validations at chance while training images are learned: then the labels or the passes disagree."""

# Loss.

LOSS_RUNAWAY = 1.5
"""Loss beyond that of a head that knows nothing, as a factor. A head whose cosines are all random stays within a tenth
of it; only logits that point firmly the wrong way exceed it."""

LOSS_REBOUND = 0.7
"""Or the loss was below this share of it, learned, and is above it again."""

# Causes.

REPORTED_CONFIDENCE = 0.1
"""Less than this is not worth a line."""

MOST_CONFIDENCE = 0.99
"""No heap of evidence makes a cause surer than this."""

CERTAIN_CONFIDENCE = 0.85
"""From here on a cause counts as certain: it makes the verdict at least ``watch`` at once."""

EXPLAINED_AWAY = 0.5
"""What a consequence keeps of its confidence when a certain cause explains it."""

CROWDED_COSINE = 0.5
"""Mean cosine of different people above which they share a direction; healthy backbones stay below .37."""

ROUNDING = 1e-6
"""Share of s / T that single precision makes of equal embeddings: eight units in the last place (1.2e-7). Logits that
vary no more between faces come from one vector; a network that gave one vector measured 4e-8 to 4e-7."""

SPREAD_ENOUGH = 0.8
"""Mean cosine of different people below which embeddings have room to tell them apart: healthy ones measured .6 on grey
faces of one camera, and d' was above 1 there."""

SIGNIFICANT = 2.5
"""Standard errors above zero from which on a difference is one."""

MOST_ARE_RIGHT = 0.5
"""Top-1 of training images from which on settings that look wrong have done no harm that matters: more are right than
wrong."""

LOST_HALF = 0.5
"""New images recognised, as a share of before or of training images, below which something went wrong: stages and
fine-tuning that were meant cost a few percent."""

PEOPLE_TO_COMPARE = 16
"""People (three images each) from which on the d' of two networks can be compared: its error is then .15."""

TELLING_ACCURACY = 0.9
"""Where guessing could give this Top-1, an accuracy tells nothing: two people and four images."""

HOPELESS_REACH = {"head": 1e-3, "backbone": 1e-5}
"""Share of its length that a part can move by in a whole stage below which it might as well not be trained. Slow but
healthy heads (3e-5, 1e-4) could go .1 and more, a head at 1e-6 a hundredth; fine-tuning at 3e-6 moves a backbone by a
hundredth."""

PAIRS_NEEDED = 12
"""Pairs of one person among the validation images below which d' says nothing."""

TREND_POINTS = 5
"""Points of a series below which it has no trend."""

INPUT_CONSTANT_STD = 0.04
"""Spread of a pixel between images as a share of the range in use (2 for -1 to 1): faces have .2, one picture 0."""

INPUT_RANGE_SLACK = 0.15
"""Overshoot beyond the expected smallest and largest pixel that resampling explains."""

INPUT_NARROW_SHARE = 0.3
"""Share of the range of pixels that a whole batch uses: 32 photographs use .8 to 1, pictures saved as 0 to 1 .004, ten
bits read as eight a quarter or an eighth."""

INPUT_BOTH_ENDS = 0.65
"""Deviation of pixels as a share of half their range: .58 where all values are equally frequent, .4 to .45 for faces;
more only where most pixels are at one end or the other (.86 to .91 for normalised pictures saved as bytes)."""

RANGE_GAIN = 1.8
"""Factor by which 1 - cosine of different people must grow under another range of pixels. Contrast alone gives 1.5
between -1 to 1 and ImageNet's statistics; the right range gave 2.2 to 400."""

RANGE_INFORMATION = 1.1
"""Factor by which d' must grow as well. On scrambled networks ImageNet's larger contrast spread the embeddings five
times as far while d' fell by a quarter; the right range raised it by 13 % at least, and its error is 5 %."""

NEARLY_RANDOM_SHARE = 0.05
"""Share of a backbone's numbers left random that makes it another network."""

HOT_UPDATE_BACKBONE = 1e-2
"""Update ratio of the backbone: 1e-3 is usual, 1e-2 destroys pretrained weights within a hundred steps."""

HOT_UPDATE_HEAD = 0.2
"""Update ratio of the head after its first steps. Healthy heads measured up to .04 (its weights start short, and
only their direction counts)."""

COLD_UPDATE = 3e-5
"""Update ratio below which a thousand steps move the weights by 3 %."""

USEFUL_REACH = 0.5
"""Largest attainable probability of the target below which a softmax can hardly become sure."""

POOR_REACH = 0.1
"""And below which its gradient hardly depends on whether it is right."""

USEFUL_SCALE = 16.0
"""s / T that is enough for any number of people below ten thousand and saturates nothing."""

NOISE_OVER_GUESSING = 2.0
"""Loss that random directions add over ln C. ArcFace's published s 64 gives 1.1 for 40 people and learns well."""

SATURATED_WRONG = 0.3
"""Share of images that are saturated and wrong."""

BEYOND_PI = 0.05
"""Share of images whose angle plus margin exceeds pi; random directions with published margins have 0."""

MARGIN_LARGE_RAD = 0.8
"""Published angular margins end at .5; .8 rad (46 degrees) costs more than most embeddings leave between people."""

MERGED_HEAD = 0.5
"""Mean cosine between class weights. Random 0; centred ones -1/(C-1); one prototype 1."""

REPLAY_GAIN_SEEN = 1.05
"""Factor in Top-k below which a replay is no better: two replays of one setting differ by as much."""

REPLAY_SATURATED = 0.97
"""Top-k of a replay from which on another one cannot be better."""

CLASS_BIAS = 0.3
"""Logit std across samples over that across classes: below it the class decides more than the face."""

PULL_SHARE, PULL_HARMLESS = 0.2, 0.1
"""Share of the SR/HR term in the gradient from which on it can decide where embeddings go, and below which it does not.
Measured on AT&T faces, weight 10: .04 at s 16 (no harm), .25 at s 2 (little), .41 at s 1 (cosine .66 to .95 in 30
steps; as pairs come together the pull, and so the share, falls by itself: its largest value of the stage counts)."""

COSINE_RISE = 0.1
"""Rise of the mean cosine of different people within a stage that is no noise (batches scatter by .03)."""

MIXED_BATCH = 0.6
"""Effective label classes of a batch beyond 1, as a share of what a mixed batch has: draws by lot give .9 to 1, a
sorted list of k images each about 1 / k, so half or less."""

SKEWED_LABELS = 0.5
"""Effective classes of the training labels as a share of C; a factor of ten between largest and smallest gives .7."""

SAME_PASS_COSINE = 0.98
"""Cosine of the same image in train and eval mode; without dropout and with frozen statistics it is 1."""

PASSES_APART = 0.15
"""Cosine of a face's two resolutions in evaluation minus that in training. Without dropout they differ by .01
(augmentation); dropout of a tenth, which many networks are made with, takes .1, one of .9 measured .88."""

RECENT_POINTS = 5
"""Points of a noisy series that are averaged: four images of a batch of 32 are measured at both sizes."""

MARGIN_IN_SCORES = 1e-3
"""Share of s / T by which the own class' logit may be off before labels are inside the scores."""
