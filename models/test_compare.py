#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the tables of the comparison: python3 -m unittest test_compare"""
import argparse
import contextlib
import io
import json
import tempfile
import unittest

import numpy as np
import torch

import compare
import evaluate


class Tables(unittest.TestCase):
    """Figures beside the checkpoints become tables; what is missing is left out."""

    def printed(self, function, *args):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            function(*args)
        return out.getvalue()

    def test_interval(self):
        """19 in 20 samples of 400 tosses lie within it."""
        tosses = np.random.default_rng(0).random((300, 400)) < 0.3
        inside = [abs(t.mean() - 0.3) <= evaluate.interval(t) for t in tosses]
        self.assertTrue(0.91 < np.mean(inside) < 0.99, np.mean(inside))

    def test_above(self):
        """Scores against scores of the same clips; the last class is not a word."""
        truth = np.array([0, 1] * 50)
        right = np.eye(3)[truth]
        half = np.eye(3)[[0, 0] * 50] + [0, 0, 9]
        difference, half_width = evaluate.above(right, half, truth)
        self.assertAlmostEqual(0.5, difference)
        self.assertAlmostEqual(1.96 * 0.5 / 99 ** 0.5, half_width)
        self.assertEqual((0, 0), evaluate.above(half, half, truth))

    def test_folds(self):
        """Differences are of the same clips, so that what both miss does not widen their interval."""
        tsn, sth = [1, 0] * 50, [1, 0] * 49 + [1, 1]
        rows = [(row, {"right": tsn if row.temporal == "tsn" else sth}) for row in compare.ROWS[:2]]
        text = self.printed(compare.print_folds, rows)
        self.assertIn("| 3 | 100 | 50.0 ± 9.8 % | 51.0 ± 9.8 % | +1.0 ± 2.0 |", text)
        self.assertNotIn("| all |", text)

    def test_direction(self):
        """Both ways of a clip count as one, and differences are of the same clips."""
        tsn, sth = [1, 0] * 50 + [0, 1] * 50, [1, 0] * 50 + [1, 1] * 50
        rows = [(row, {"top1": np.mean(right), "top5": 1, "word": 1, "direction": 0.5, "right": right})
                for row, right in ((compare.ROWS[2], tsn), (compare.ROWS[3], sth))]
        text = self.printed(compare.print_direction, rows, lambda row: torch.nn.Linear(999, 1))
        self.assertIn("| TSN | 1 | 50.0 ± 0.0 % |  | 100.0 %", text)
        self.assertIn("| 1 | 75.0 ± 4.9 % | +25.0 ± 4.9 | 100.0 %", text)

    def test_finished(self):
        with tempfile.TemporaryDirectory() as folder:
            args = argparse.Namespace(work=folder, seed=1, frames=8)
            row = compare.ROWS[3]
            with open(compare.file_of(args, row, ".json"), "w", encoding="utf-8") as f:
                json.dump({"top1": 0.5, "top5": 0.75, "word": 0.625, "direction": 0.875, "right": [1, 0, 0, 0]}, f)
            rows = compare.finished(args, compare.ROWS)
        self.assertEqual([row], [r for r, _ in rows])
        text = self.printed(compare.print_direction, rows, lambda row: torch.nn.Linear(1, 1))
        self.assertIn("50.0 ± 49.0 % |  | 75.0 % | 62.5 % | 87.5 % |", text)

    def test_rows_differ(self):
        args = argparse.Namespace(work="", seed=1, frames=8)
        self.assertEqual(len(compare.ROWS), len({compare.file_of(args, row, "") for row in compare.ROWS}))


if __name__ == "__main__":
    unittest.main()
