"""The command line as a module, ``python -m drlim``: launchers of several processes start modules.

torchrun --nproc-per-node 2 -m drlim fit data.npy --method drlim --model map.safetensors
"""

from __future__ import annotations

import sys

from drlim.cli import main

if __name__ == "__main__":
    sys.exit(main())
