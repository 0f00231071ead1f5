# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH video networks in PyTorch: layers, networks, data, augmentation, ONNX export.

Programs that compute much import this before NumPy.
"""
from . import cpu

cpu.choose_openblas_kernels()
