# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run an ONNX file on PyTorch's operators: a second opinion on what was written.

Knows the operators that onnx_forms writes, fixed shapes, float32.
"""
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F

CONVOLUTIONS = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
POOLS = {4: F.max_pool2d, 5: F.max_pool3d}


def _symmetric(pads):
    half = len(pads) // 2
    assert list(pads[:half]) == list(pads[half:]), "asymmetric pads"
    return list(pads[:half])


def _conv(a, x, weight, bias=None):
    return CONVOLUTIONS[x.dim()](x, weight, bias, a["strides"], _symmetric(a["pads"]),
                                 a["dilations"], a["group"])


def _slice(a, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends, axes = (a[k] if v is None else v.tolist()
                          for k, v in (("starts", starts), ("ends", ends), ("axes", axes)))
    for i, axis in enumerate(axes):
        step = 1 if steps is None else int(steps[i])
        x = x.index_select(axis, torch.arange(starts[i], min(ends[i], x.shape[axis]), step))
    return x


def _pad(a, x, pads=None):
    rank = x.dim()
    pads = a["pads"] if pads is None else pads.tolist()
    return F.pad(x, [p for axis in reversed(range(rank)) for p in (pads[axis], pads[axis + rank])])


def _split(a, x, parts=None):
    parts = a["split"] if parts is None else parts.tolist()
    return torch.split(x, parts, a["axis"])


OPERATORS = {
    "Add": lambda a, x, y: x + y,
    "BatchNormalization": lambda a, x, w, b, m, v: F.batch_norm(x, m, v, w, b, False, 0.0,
                                                                a["epsilon"]),
    "Clip": lambda a, x, low=None, high=None: x.clamp(float(a["min"] if low is None else low),
                                                      float(a["max"] if high is None else high)),
    "Concat": lambda a, *parts: torch.cat(parts, a["axis"]),
    "Conv": _conv,
    "Flatten": lambda a, x: x.flatten(a["axis"]),
    "Gemm": lambda a, x, w, b: F.linear(x, w, b),
    "GlobalAveragePool": lambda a, x: x.mean(tuple(range(2, x.dim())), keepdim=True),
    "MaxPool": lambda a, x: POOLS[x.dim()](x, a["kernel_shape"], a["strides"],
                                           _symmetric(a["pads"])),
    "Mul": lambda a, x, y: x * y,
    "Pad": _pad,
    "ReduceMean": lambda a, x, axes=None: x.mean(a["axes"] if axes is None else axes.tolist(),
                                                 keepdim=bool(a["keepdims"])),
    "Relu": lambda a, x: x.relu(),
    "Reshape": lambda a, x, shape: x.reshape(shape.tolist()),
    "Slice": _slice,
    "Softmax": lambda a, x: x.softmax(a["axis"]),
    "Split": _split,
    "Transpose": lambda a, x: x.permute(a["perm"]),
}


@torch.no_grad()
def run(model, array):
    """Scores, float32 numpy, of a ModelProto or path for one input array."""
    if isinstance(model, str):
        model = onnx.load(model)
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy())
              for i in model.graph.initializer}
    values[model.graph.input[0].name] = torch.from_numpy(np.ascontiguousarray(array))
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        results = OPERATORS[node.op_type](attributes, *[values[i] for i in node.input])
        if torch.is_tensor(results):
            results = [results]
        values.update(zip(node.output, results))
    return values[model.graph.output[0].name].numpy()
