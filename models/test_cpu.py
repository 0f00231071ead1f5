#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of what is chosen by the CPU: python3 -m unittest test_cpu"""
import inspect
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import torch

import compare
import evaluate
import train
from sth import cpu, samples


class Cpu(unittest.TestCase):
    """bfloat16, and kernels of OpenBLAS, only where the CPU tells that it has them."""

    def told(self, text):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(text)
            f.flush()
            return cpu.flags(f.name)

    def test_flags(self):
        intel = self.told("model name\t: A bf16 CPU\nflags\t\t: fma avx2 avx512_bf16 avx512f avx512bw avx512dq avx512vl\n")
        self.assertEqual((True, "SKYLAKEX"), (cpu.has_bfloat16(intel), cpu.openblas_core(intel)))
        amd = self.told("model name\t: A bf16 avx512f CPU\nflags\t\t: fpu fma avx2\n\nflags\t\t: avx512_bf16\n")
        self.assertEqual((False, "HASWELL"), (cpu.has_bfloat16(amd), cpu.openblas_core(amd)))
        arm = self.told("Features\t: fp asimd bf16 i8mm\n")
        self.assertEqual((True, None), (cpu.has_bfloat16(arm), cpu.openblas_core(arm)))
        self.assertEqual(set(), self.told("") | cpu.flags("/no/such/file"))

    def test_kernels_are_chosen_before_numpy(self):
        """By every program that computes much, unless the user did."""
        code = ("import os, sys\nimport sth\nassert not {'numpy', 'torch'} & set(sys.modules)\n"
                "print(os.environ.get('OPENBLAS_CORETYPE'))")
        for wish, expected in ((None, cpu.openblas_core(cpu.flags())), ("PRESCOTT", "PRESCOTT")):
            env = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
            env.update({"OPENBLAS_CORETYPE": wish} if wish else {})
            out = subprocess.check_output([sys.executable, "-c", code], env=env, cwd=os.path.dirname(train.__file__))
            self.assertEqual(str(expected), out.decode().strip())
        for program in train, evaluate, compare:
            lines = [line.split()[1] for line in inspect.getsource(program).splitlines() if line.startswith("import ")]
            self.assertLess(lines.index("sth"), lines.index("numpy"))

    def test_autocast(self):
        layer, x = torch.nn.Conv2d(3, 4, 1), torch.zeros(1, 3, 2, 2)
        for there, wanted, expected in ((True, True, torch.bfloat16), (True, False, torch.float32),
                                        (False, True, torch.float32)):
            with mock.patch.object(cpu, "has_bfloat16", return_value=there), samples.autocast(wanted):
                self.assertEqual(expected, layer(x).dtype)


if __name__ == "__main__":
    unittest.main()
