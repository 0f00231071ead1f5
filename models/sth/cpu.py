# SPDX-License-Identifier: LGPL-2.1-or-later
"""What this CPU can do, and what follows from it for training.

Imports neither NumPy nor PyTorch: they load OpenBLAS, which reads its environment then.
"""
import os


def flags(cpuinfo="/proc/cpuinfo"):
    """The instructions that Linux names for the first processor (`flags`, on Arm `Features`); empty where it cannot tell."""
    try:
        with open(cpuinfo, encoding="utf-8") as f:
            for line in f:
                name, _, value = line.partition(":")
                if name.strip() in ("flags", "Features"):
                    return set(value.split())
    except OSError:
        pass
    return set()


def has_bfloat16(known):
    """Whether it multiplies bfloat16; elsewhere PyTorch emulates that, far slower than float32."""
    return not known.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def openblas_core(known):
    """The kernels of OpenBLAS that suit it, as OPENBLAS_CORETYPE names them; None: leave the choice to OpenBLAS."""
    if known >= {"avx512f", "avx512bw", "avx512dq", "avx512vl"}:
        return "SKYLAKEX"
    return "HASWELL" if known >= {"avx2", "fma"} else None


def choose_openblas_kernels():
    """A processor that OpenBLAS does not know gets SSE3 from it; has no effect once NumPy or PyTorch were imported."""
    core = openblas_core(flags())
    if core:
        os.environ.setdefault("OPENBLAS_CORETYPE", core)
