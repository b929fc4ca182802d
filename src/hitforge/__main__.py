"""``python -m hitforge``."""

from __future__ import annotations

import sys

from hitforge.cli import main

sys.exit(main())
