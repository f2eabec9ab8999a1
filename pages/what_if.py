"""What if: other settings of the head, worked out on embeddings that are there, before anything is changed."""

from __future__ import annotations

from ui import frame, messages
from ui.what_if.page import what_if

record = frame.open_page("What if")
with messages.calmly():
    what_if(record)
