"""Synthetic people: portraits drawn on the spot, for demos, tests and the demo backbone. Needs numpy only."""

from edgeft_core.data.synthetic.cache import SyntheticCache
from edgeft_core.data.synthetic.identity import identity_name
from edgeft_core.data.synthetic.portrait import GENERATOR_VERSION, draw_faces

__all__ = ["GENERATOR_VERSION", "SyntheticCache", "draw_faces", "identity_name"]
