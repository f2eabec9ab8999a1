"""When a check before training speaks up. Each number says why it is what it is."""

from __future__ import annotations

# How much is looked at

HASHED_IMAGES = 6000
"""Images compared with each other: 18 million pairs take a second, and 5 000 images are looked at in full."""

DRAWN_IMAGES = 96
"""Of drawn people only a few are looked at: drawing all would take longer than the whole check, and the
program that draws them makes no copies."""

# Images

NARROW_RANGE = 8.0
"""Of 255 grey levels, between the 1st and the 99th percentile of all pixels: pictures that were scaled to 0..1
or normalised before they were saved hold values of 0 and 1 only."""

END_LEVELS, ENDS_SHARE, ENDS_IMAGES = 6, 0.6, 64
"""Share of pixels within so many levels of black or white, among so many images. Faces have 0 to 2 %, with a plain
background up to a third; normalised pictures saved as bytes 86 to 100 %."""

FEW_PICTURES_SHARE = 0.2
"""Distinct pictures among the images. Below it most images repeat a handful of placeholders."""

CONSTANT_BLOCKING_SHARE = 0.5
"""Share of constant images from which on nothing can be learned from the data as a whole."""

CONSTANT_WARNING_SHARE = 0.01
"""A few black images in thousands do no harm and are only mentioned."""

UNREADABLE_WARNING_SHARE = 0.01
"""Fewer unreadable files are mentioned, more deserve a look (the run itself stops at its own limit)."""

# Duplicates

PAIRS_AT_MOST = 200_000
"""More near-duplicate pairs than this are not listed: the finding then says "at least"."""

DUPLICATES_WITHIN_SHARE = 0.2
"""Copies of one identity's own images mean less data, not wrong data: worth a warning when a fifth is copies."""

DUPLICATES_ACROSS_SHARE = 0.005
"""One picture under two names means that one of the labels is wrong. A handful in thousands is ordinary label
noise (public face sets have 1 to 5 %), but copies are noise that can be removed."""

SPLIT_OVERLAP_SHARE = 0.02
"""Share of scored images that the training saw too: accuracy may be too good by as much."""

# Identities

FEW_IMAGES_PER_IDENTITY = 2
"""Training images below which an identity's class weight is learned from one picture."""

IMBALANCE_EFFECTIVE_SHARE = 0.5
"""Effective identities (exp entropy of the label distribution) over identities. Long-tailed but usable face sets
stay above one half; one identity with half of all images falls far below."""

IMBALANCE_LARGEST_SHARE = 0.2
"""A single identity with so many of the images is predicted by default, whatever the rest looks like; it counts
only when it is also ten times its fair share."""

IMBALANCE_FAIR_SHARES = 10.0

UNMATCHED_NAMES_SHARE = 0.1
"""Identities that are in one part of a split only: a few are ordinary, a tenth is a naming problem."""

# Settings

USEFUL_PROBABILITY = 0.5
"""A softmax that cannot give its own class half of the probability cannot drive its loss below ln 2."""

MARGIN_NOTABLE_RAD = 0.7
MARGIN_WARNING_RAD = 1.0
"""ArcFace was published with 0.5; from 1.0 on the target angle of a random embedding (pi/2 + m) is so close to pi
that the gradient shrinks, and the loss starts above s sin 1 = 0.84 s."""

HEAD_LR_WARNING = 0.05
"""AdamW moves each weight by about its rate per step, and class weights start at 0.01 per coordinate: at 0.05 the
first step replaces them, and every later one turns them by tens of degrees."""

BACKBONE_LR_WARNING = 1e-3
"""Fine-tuning rates are 1e-6 to 1e-4; 1e-3 with AdamW rewrites a trained network within a hundred steps."""

HEAD_TRAVEL_WARNING = 0.005
"""Sum of the head's learning rates over the run. AdamW moves a coordinate at most so far; coordinates start at 0.01,
so class weights turn by less than 27 degrees (arc tangent of one half) from their random directions."""

PULL_WARNING = 3.0
"""Weight of the term that only pulls SR and HR together. Its gradient equals that of the cross-entropy at about
1 to 3; above that the whole loss is dominated by something that is smallest when all faces are one point."""

# Space

MEMORY_SHARE_WARNING = 0.8
"""Share of the free memory that the estimate may take: estimates are good to about a fifth."""

DISK_SPARE_BYTES = 200 * 2**20
"""Left over for logs, metrics and the system after everything that the run writes."""

# Embeddings of a few faces

RANGE_COSINE = 0.4
"""Mean cosine of different people from which on other normalisations are tried. Healthy backbones are below .3."""

RANGE_RECOVERY = 1.8
"""Different people must come out so many times farther apart (1 - cosine) under another normalisation. Between
-1..1 and ImageNet statistics, which differ little, a random network measures 1.4; 0..255 against -1..1 measures 2.2 on
a backbone trained for a few minutes and above 20 on a good one."""

RANGE_BLOCKING_RECOVERY = 2.5
"""From here on nothing else can be meant: the demo backbone fed with 0 to 255 measures 2.9, others up to 20."""

RANGE_PREFERRED = 1.6
"""By so much another range must spread people farther than the one that the weights are made for. ImageNet's statistics
have twice the contrast of -1 to 1 and measured up to 1.5 without telling anybody better apart."""

RANGE_KEPT_SEPARATION = 0.8
"""Share of d' that must remain: a range that only blows up noise is no cure."""

CROWDED_COSINE = 0.75
"""Mean cosine of different people that is called crowded where no normalisation helps. Backbones trained on other
faces than these reach .6 and still learn (.62: a network for drawn people on the AT&T faces)."""

CENTRING_GAIN = 0.1
"""Nearest-class-mean accuracy won by removing the mean embedding; sampling noise of 120 images is .04."""

BLIND_ERRORS = 2.0
"""Crowded embeddings are already suspect: a d' within two standard errors of 0 is then as good as none."""

SIGNIFICANT = 3.0
"""Standard errors; a check before training should not cry wolf in one of twenty runs."""
