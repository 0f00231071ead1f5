# SPDX-License-Identifier: LGPL-2.1-or-later
"""Goldens: X.onnx and X.out.npy; the input is noise that the test makes as well."""
import os

import numpy as np
import onnx


def noise(shape):
    """Numbers in [-1, 1), float32, a hash of their positions: see tests/session/golden_test.c."""
    h = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    fraction = (h >> np.uint32(8)).astype(np.float32) * np.float32(2.0 ** -23)
    return (fraction - np.float32(1)).reshape(shape)


def _subgraphs(node):
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g


def _rename(graph, names, kept):
    """Short names for everything in a graph but what is kept."""
    def short(name):
        return name if not name or name in kept else names.setdefault(name, "%x" % len(names))

    for node in graph.node:
        node.name, node.doc_string = "", ""
        node.input[:] = [short(n) for n in node.input]
        node.output[:] = [short(n) for n in node.output]
        for inner in _subgraphs(node):
            _rename(inner, names, kept)
    for value in list(graph.initializer) + list(graph.input) + list(graph.output):
        value.name = short(value.name)
    del graph.value_info[:]


def compact(model):
    """Without the names of nodes and values, which take more bytes than thin networks' weights."""
    ports = {v.name for v in list(model.graph.input) + list(model.graph.output)}
    _rename(model.graph, {}, ports)
    return model


def save(folder, name, model, scores):
    """Write a golden; returns its size in kB."""
    stem = os.path.join(folder, name)
    onnx.save(compact(model), stem + ".onnx")
    np.save(stem + ".out.npy", np.ascontiguousarray(scores, np.float32))
    return os.path.getsize(stem + ".onnx") / 1e3
