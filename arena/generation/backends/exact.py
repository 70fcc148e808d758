"""Makes the first results of several threads the same as all later ones. Imported by what generates, for its effect.

Torch hands these functions to MKL, which picks its code on the first call of each. When several threads make that call
at once, one of them may get a low-precision version for that call: a first output would differ from its repetition
(https://github.com/pytorch/pytorch/issues/188792). One number each, before any thread, settles it.
"""

from __future__ import annotations

import torch

for _function in (torch.log, torch.log1p, torch.exp, torch.tanh, torch.sqrt, torch.sin, torch.cos, torch.erf):
    _function(torch.full((1,), 0.5, dtype=torch.float32))
