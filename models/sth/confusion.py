# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture of which words are taken for which."""
import cv2
import numpy as np

CELL, MARGIN = 6, 130  # pixels: of a word, and of the names beside the matrix
RIGHT, WRONG, LINE, INK = (150, 90, 20), (40, 40, 200), (225, 225, 225), (60, 60, 60)  # BGR


def shares(truth, guessed, classes):
    """[classes, classes]: of the clips of each true class, the share that was taken for each."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (truth, guessed), 1)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def _names(groups, length, left):
    """The names of groups of (name, first, end), one below the other, at the left or right: [length, MARGIN, 3]."""
    image = np.full((length, MARGIN, 3), 255, np.uint8)
    for name, first, end in groups:
        y = (first + end) * CELL // 2 + 4
        width = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0]
        cv2.putText(image, name, (6 if left else MARGIN - width - 6, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return image


def draw(matrix, categories):
    """BGR picture of a square matrix of shares, words of one category side by side.

    Rows are what was shown, columns what it was taken for; right ones are blue,
    wrong ones red, the darker the more often.  categories: name of each class.
    """
    order = sorted(range(len(matrix)), key=lambda i: (categories[i], i))
    matrix, names = matrix[np.ix_(order, order)], [categories[i] for i in order]
    firsts = [i for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
    groups = [(names[a], a, b) for a, b in zip(firsts, firsts[1:] + [len(names)])]
    strength = np.sqrt(matrix)[..., None]
    colour = np.where(np.eye(len(matrix), dtype=bool)[..., None], RIGHT, WRONG)
    cells = (255 + (colour - 255) * strength).astype(np.uint8).repeat(CELL, 0).repeat(CELL, 1)
    for _, first, end in groups:
        edges = [first * CELL, end * CELL - 1]
        cells[edges] = np.minimum(cells[edges], LINE)
        cells[:, edges] = np.minimum(cells[:, edges], LINE)
    beside = _names(groups, len(cells), False)
    above = cv2.rotate(_names(groups, len(cells), True), cv2.ROTATE_90_COUNTERCLOCKWISE)
    corner = np.full((MARGIN, MARGIN, 3), 255, np.uint8)
    return np.vstack([np.hstack([corner, above]), np.hstack([beside, cells])])
