"""Nothing is wrong: it is early."""

from __future__ import annotations

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.symptoms import different_people, is_bad, is_learning_well
from edgeft_core.diagnostics.chance import top_k_band, top_k_chance


def early(case: Case) -> Cause | None:
    """``early``: too few steps to say anything, or accuracy leaves chance just now."""
    if is_bad(case) or is_learning_well(case) or case.error:
        return None
    weighing = Weighing("early", case)
    enough = max(case.steps_per_epoch, limit.WARMUP_STEPS_LEAST) + case.stage_config.warmup_steps
    done = case.step - case.stage_step
    if done < enough:
        text = (
            f"{done} steps of this stage are done; before about {enough} even good runs show next to nothing."
        )
        weighing.supports(0.75, "step", float(done), float(enough), text)
    top5, window = case.signal("top5_running"), int(case.signal("window_images") or 0)
    if top5 is not None and window and case.n_classes > 5:
        chance, high = top_k_chance(5, case.n_classes), top_k_band(5, case.n_classes, window)[1]
        if top5 > high:
            text = f"Top-5 is {top5:.1%}; guessing gives {chance:.1%} and at most {high:.1%} over {window} images."
            weighing.supports(0.6, "top5_running", top5, high, text)
    older, newer = case.tail("loss").halves()
    if newer < older:
        weighing.supports(0.3, "loss", newer, older, f"The loss is falling ({older:.3g} to {newer:.3g}).")
    cosine = different_people(case)
    if cosine is not None and cosine >= limit.COLLAPSED_COSINE:
        text = f"Time alone does not part embeddings of different people whose mean cosine is {cosine:.2f}."
        weighing.doubts(0.6, text)
    return weighing.cause(
        meaning="Nothing looks wrong. Accuracy near 0 and predictions on few classes are normal at first.",
        doubt="If nothing has moved after an epoch or two, it is not the time.",
        fix=Fix("Wait; the verdict changes by itself as soon as there is something to see."),
    )
