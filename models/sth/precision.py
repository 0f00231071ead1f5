# SPDX-License-Identifier: LGPL-2.1-or-later
"""bfloat16 where the CPU multiplies it; elsewhere PyTorch emulates it, 25 times slower than float32."""
import torch

_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last one: 64-bit Arm


def cpu_has_bfloat16(cpuinfo="/proc/cpuinfo"):
    """Whether the file that tells what this machine can do names an instruction for it."""
    try:
        with open(cpuinfo, encoding="utf-8") as f:
            lines = [line.partition(":") for line in f]
    except OSError:
        return False
    return any(not _INSTRUCTIONS.isdisjoint(value.split())
               for name, _, value in lines if name.strip() in ("flags", "Features"))


def autocast(wanted=True):
    """A context in which layers compute in bfloat16, if that is wanted and this CPU has it."""
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and cpu_has_bfloat16())
