"""The lab's formulas in the browser give what those in Python give, and its numbers are written the same way."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from edgeft_core.config import HeadConfig
from edgeft_core.figures.theme import format_count, format_number, format_percent
from edgeft_core.labs.what_if import outcome as reference
from edgeft_core.labs.what_if.gradient import shares
from edgeft_core.labs.what_if.softmax import with_margin
from tests.labs.test_what_if import HEADS, ids

pytestmark = pytest.mark.browser

FRONTEND = Path(__file__).parents[2] / "ui" / "what_if" / "frontend"
ORIGIN = "http://lab.test"
MODULES = ("computing", "numbers", "scenes")
DIM = 64
RUN = """
([cos, labels, c, dim, head]) => {
  const bytes = Uint8Array.from(atob(cos), (letter) => letter.charCodeAt(0));
  const view = { cos: new Float32Array(bytes.buffer), labels, n: labels.length, c, dim };
  const { compute, prepare } = window.computing;
  const fixed = prepare(view);
  const found = compute(fixed, head);
  const plain = (value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
  return {
    ...Object.fromEntries(Object.entries(found).map(([name, value]) => [name, plain(value)])),
    calibration: Object.fromEntries(Object.entries(found.calibration).map(([name, value]) => [name, plain(value)])),
    bins: [plain(fixed.bins.own), plain(fixed.bins.others), fixed.bins.from, fixed.bins.to],
  };
}
"""


@pytest.fixture(scope="module")
def computing(browser: Browser) -> Any:
    """A page that has the scripts loaded, as modules; they are read from the disk, not from a server."""
    page: Page = browser.new_page()
    page.route(f"{ORIGIN}/**", _from_disk)
    page.goto(f"{ORIGIN}/empty.html")
    for name in MODULES:
        page.evaluate("async (name) => { window[name] = await import(`/${name}.js`); }", name)
    yield page
    page.close()


def _from_disk(route: Route) -> None:
    file = FRONTEND / route.request.url.removeprefix(f"{ORIGIN}/")
    if file.suffix == ".js":
        route.fulfill(path=file, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")


def samples() -> dict[str, tuple[Any, Any]]:
    """Random cosines, collapsed ones (all images alike, so nearly all ties), and a head that is sure."""
    draw = np.random.default_rng(2)
    labels_N = draw.integers(0, 30, 120)
    spread = np.clip(draw.normal(0, 0.3, (120, 30)), -0.999, 0.999).astype(np.float32)
    spread[0, labels_N[0]], spread[1, labels_N[1]] = -0.995, 0.9999999
    alike = np.clip(draw.normal(0.1, 0.05, (1, 30)) + draw.normal(0, 1e-4, (120, 30)), -1, 1).astype(
        np.float32
    )
    sure = (0.1 * spread).astype(np.float32)
    sure[np.arange(120), labels_N] = 0.9
    return {"spread": (spread, labels_N), "collapsed": (alike, labels_N), "sure": (sure, labels_N)}


@pytest.mark.parametrize("name", ["spread", "collapsed", "sure"])
@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_browser_and_python_agree(computing: Page, name: str, head: HeadConfig) -> None:
    cos_NC, labels_N = samples()[name]
    wanted = reference.outcome(cos_NC, labels_N, head, DIM)
    encoded = base64.b64encode(cos_NC.tobytes()).decode()
    found = computing.evaluate(RUN, [encoded, labels_N.tolist(), cos_NC.shape[1], DIM, head.model_dump()])
    assert set(found["readings"]) == set(wanted.readings)
    for reading, value in wanted.readings.items():
        assert found["readings"][reading] == pytest.approx(value, rel=1e-6, abs=1e-9), reading
    np.testing.assert_allclose(found["loss"], wanted.loss_N, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found["sampleCurve"], wanted.sample_curve, atol=1e-8)
    np.testing.assert_allclose(found["classCurve"], wanted.class_curve, atol=1e-8)
    np.testing.assert_allclose(
        shares(np.array(found["classPull"])), wanted.class_share_C, rtol=1e-6, atol=1e-10
    )
    for bins, expected in (("ownProbBins", wanted.own_prob_K), ("topProbBins", wanted.top_prob_K)):
        assert np.abs(np.array(found[bins]) - expected).sum() <= 2, (
            f"{bins}: at most one image on another edge"
        )
    assert found["calibration"]["count"] == wanted.reliability.count_K.tolist()
    for part, mean_K in (
        ("confidence", wanted.reliability.confidence_K),
        ("accuracy", wanted.reliability.accuracy_K),
    ):
        values = [np.nan if one is None else one for one in found["calibration"][part]]
        np.testing.assert_allclose(values, mean_K, atol=1e-9)


@pytest.mark.parametrize("name", ["spread", "collapsed", "sure"])
def test_histograms_of_cosines_agree(computing: Page, name: str) -> None:
    cos_NC, labels_N = samples()[name]
    own, others, edges = reference.cosine_bins(cos_NC, labels_N)
    encoded = base64.b64encode(cos_NC.tobytes()).decode()
    head = HeadConfig().model_dump()
    found = computing.evaluate(RUN, [encoded, labels_N.tolist(), cos_NC.shape[1], DIM, head])["bins"]
    np.testing.assert_allclose(found[2:], [edges[0], edges[-1]], rtol=1e-6)
    assert np.abs(np.array(found[0]) - own).sum() <= 2.1 / len(labels_N)
    assert np.abs(np.array(found[1]) - others).sum() <= 10 / cos_NC.size


@pytest.mark.parametrize("head", HEADS, ids=ids)
@pytest.mark.parametrize("between", [0.6, 1.5, 2.2])
def test_whoever_is_in_the_cone_keeps_the_margin_and_just_outside_one_does_not(
    computing: Page, head: HeadConfig, between: float
) -> None:
    half = computing.evaluate("([between, head]) => scenes.cone(between, head)", [between, head.model_dump()])
    draw = np.random.default_rng(0)
    own, rival = np.eye(8)[0], np.cos(between) * np.eye(8)[0] + np.sin(between) * np.eye(8)[1]

    def wins_by(z: Any) -> Any:
        return with_margin(z @ own, head) - z @ rival

    if half <= 0:
        towards = np.linspace(-np.pi / 2, between / 2, 400)
        plane = np.outer(np.cos(towards), np.eye(8)[0]) + np.outer(np.sin(towards), np.eye(8)[1])
        assert wins_by(plane)[towards >= 0].max() < 1e-3, "there is no cone: not even the class weight itself"
        return
    aside = draw.normal(size=(500, 8)) * (np.arange(8) > 0)
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    inside = np.cos(0.999 * half) * own + np.sin(0.999 * half) * aside
    assert wins_by(inside).min() > -1e-3
    beyond = half + 0.02
    assert wins_by(np.cos(beyond) * own + np.sin(beyond) * np.eye(8)[1]) < 0


def test_numbers_are_written_as_on_all_other_pages(computing: Page) -> None:
    values = [
        0,
        1,
        0.5,
        0.0141,
        0.00096,
        1e-9,
        0.9994,
        0.9996,
        0.04999,
        12.341,
        99999,
        123456,
        0.00099951,
        31.999,
        8.84,
    ]
    for name, written in (("percent", format_percent), ("number", format_number)):
        found = computing.evaluate(f"(values) => values.map((one) => numbers.{name}(one))", values)
        assert found == [written(one) for one in values]
    assert computing.evaluate("() => [0, 999, 1000, 1234567].map((one) => numbers.count(one))") == [
        format_count(one) for one in (0, 999, 1000, 1234567)
    ]
