"""``python -m edgeft_core VERB ...``"""

from __future__ import annotations

import sys

from edgeft_core.cli import main

sys.exit(main())
