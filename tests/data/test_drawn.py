"""Drawn people as a data set."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

from edgeft_core.config import DataConfig
from edgeft_core.data import open_dataset
from edgeft_core.data.images import open_face
from edgeft_core.data.synthetic import draw_faces


def test_the_default_has_518_people_with_images_in_every_part(tmp_path: Path) -> None:
    data = open_dataset(DataConfig(), seed=42, cache=tmp_path)
    assert data.n_classes == 518
    assert {name: len(part) for name, part in data.splits.items()} == {
        "train": 4144,
        "validation": 1036,
        "test": 1036,
    }
    assert data.label_counts("validation").tolist() == [2] * 518
    assert data.notes[0].startswith("6,216 faces of 518 people are drawn;")


def test_an_items_pixels_are_those_of_its_person(tmp_path: Path) -> None:
    config = DataConfig(identities=10_002, images_per_identity=3, image_px=32)
    data = open_dataset(config, seed=5, cache=tmp_path)
    assert list(data.class_names) == sorted(data.class_names)
    item = "person_10001/02"
    index = data.index_of(item)
    assert data.class_names[data.labels_N[index]] == "person_10001"
    drawn = draw_faces(np.array([10_001]), np.array([2]), seed=5, px=32)[0]
    np.testing.assert_array_equal(open_face(data, item), drawn)


def test_a_copy_sent_to_another_process_draws_the_same(tmp_path: Path) -> None:
    data = open_dataset(DataConfig(identities=4, image_px=32), seed=1, cache=tmp_path / "cache")
    high, low = data.read_pair([3, 40])
    packed = tmp_path / "data.pickle"
    packed.write_bytes(pickle.dumps(data))
    code = (
        "import pickle, sys; from pathlib import Path; import numpy as np\n"
        "data = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "np.savez(sys.argv[2], *data.read_pair([3, 40]))\n"
        "assert 'torch' not in sys.modules\n"
    )
    out = tmp_path / "out.npz"
    subprocess.run([sys.executable, "-c", code, str(packed), str(out)], check=True, timeout=60)
    with np.load(out) as other:
        np.testing.assert_array_equal(other["arr_0"], high)
        np.testing.assert_array_equal(other["arr_1"], low)
