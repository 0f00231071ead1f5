# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small ONNX graph writer: nodes, initialisers, metadata, for opset 9 to 18.

Graphs are written by hand and not traced, so that the same network can be had
in every form in which exporters write STH convolutions.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSETS = tuple(range(9, 19))


class GraphWriter:
    """Collects nodes; every method returns the name of the tensor it makes.

    Names of nodes are paths such as `blocks.3.depthwise/Conv`; a name that was
    used before gets a number.
    """

    def __init__(self, opset):
        if opset not in OPSETS:
            raise ValueError("opset %d: %d to %d are written" % (opset, OPSETS[0], OPSETS[-1]))
        self.opset = opset
        self.nodes, self.initialisers, self.names = [], [], {}

    def unique(self, name):
        """name, or name_1, name_2, ... if it is taken."""
        count = self.names.get(name, 0)
        self.names[name] = count + 1
        return name if count == 0 else "%s_%d" % (name, count)

    def constant(self, name, value):
        """An initialiser; float64 becomes float32."""
        value = np.asarray(value)
        if value.dtype == np.float64:
            value = value.astype(np.float32)
        name = self.unique(name)
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op, inputs, where, outputs=1, **attributes):
        """Add a node; returns its output, or a list where there are several."""
        name = self.unique("%s/%s" % (where, op))
        results = [name + "_output_%d" % i for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, results, name, **attributes))
        return results[0] if outputs == 1 else results

    def conv(self, x, weight, bias, where, stride, pads, group=1):
        """Conv in as many dimensions as weight has; pads per dimension, both sides."""
        inputs = [x, self.constant(where + ".weight", weight)]
        if bias is not None:
            inputs.append(self.constant(where + ".bias", bias))
        return self.node("Conv", inputs, where, kernel_shape=list(weight.shape[2:]),
                         strides=list(stride), pads=list(pads) * 2,
                         dilations=[1] * len(pads), group=group)

    def batch_norm(self, x, norm, where):
        """BatchNormalization of inference with the parameters of a PyTorch one."""
        values = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
        suffixes = ("weight", "bias", "running_mean", "running_var")
        inputs = [self.constant("%s.%s" % (where, s), v.detach().numpy())
                  for s, v in zip(suffixes, values)]
        return self.node("BatchNormalization", [x] + inputs, where, epsilon=norm.eps)

    def relu6(self, x, where):
        """Clip to 0..6; the limits are inputs from opset 11 on."""
        if self.opset < 11:
            return self.node("Clip", [x], where, min=0.0, max=6.0)
        low = self.constant(where + ".min", np.float32(0))
        high = self.constant(where + ".max", np.float32(6))
        return self.node("Clip", [x, low, high], where)

    def slice(self, x, where, axes, starts, ends, steps=None):
        """Slice along some axes; steps need opset 10."""
        if self.opset < 10:
            assert steps is None
            return self.node("Slice", [x], where, axes=axes, starts=starts, ends=ends)
        inputs = [x, self.constant(where + ".starts", np.asarray(starts, np.int64)),
                  self.constant(where + ".ends", np.asarray(ends, np.int64)),
                  self.constant(where + ".axes", np.asarray(axes, np.int64))]
        if steps is not None:
            inputs.append(self.constant(where + ".steps", np.asarray(steps, np.int64)))
        return self.node("Slice", inputs, where)

    def subsample(self, x, where, stride):
        """Every stride-th row and column of [N, C, H, W]."""
        if self.opset < 10:
            return self.node("MaxPool", [x], where, kernel_shape=[1, 1], strides=[stride] * 2,
                             pads=[0, 0, 0, 0])
        return self.slice(x, where, [2, 3], [0, 0], [1 << 30] * 2, [stride] * 2)

    def mean(self, x, where, axes):
        """ReduceMean; the axes go."""
        if self.opset < 18:
            return self.node("ReduceMean", [x], where, axes=axes, keepdims=0)
        axes = self.constant(where + ".axes", np.asarray(axes, np.int64))
        return self.node("ReduceMean", [x, axes], where, keepdims=0)

    def linear(self, x, layer, where):
        """A PyTorch Linear."""
        return self.node("Gemm", [x, self.constant(where + ".weight", layer.weight.detach().numpy()),
                                  self.constant(where + ".bias", layer.bias.detach().numpy())], where,
                         alpha=1.0, beta=1.0, transA=0, transB=1)

    def split(self, x, where, axis, parts):
        """Split along an axis into parts of the given sizes."""
        if self.opset >= 13:
            sizes = self.constant(where + ".split", np.asarray(parts, np.int64))
            return self.node("Split", [x, sizes], where, outputs=len(parts), axis=axis)
        return self.node("Split", [x], where, outputs=len(parts), axis=axis, split=parts)

    def concat(self, parts, where, axis):
        return parts[0] if len(parts) == 1 else self.node("Concat", parts, where, axis=axis)

    def reshape(self, x, where, shape):
        """Reshape; -1 infers, 0 copies a dimension."""
        return self.node("Reshape", [x, self.constant(where + ".shape",
                                                      np.asarray(shape, np.int64))], where)

    def transpose(self, x, where, order):
        return self.node("Transpose", [x], where, perm=list(order))

    def pad_time(self, x, where, before, after, rank, axis=1):
        """Zeros before and after the axis of time of a tensor of some rank."""
        pads = np.zeros(2 * rank, np.int64)
        pads[axis], pads[rank + axis] = before, after
        if self.opset < 11:
            return self.node("Pad", [x], where, mode="constant", pads=pads.tolist(), value=0.0)
        return self.node("Pad", [x, self.constant(where + ".pads", pads)], where,
                         mode="constant")

    def model(self, name, x, x_shape, y, y_shape, metadata):
        """Finish: y is renamed to `scores`; returns a checked ModelProto."""
        last = self.nodes[-1]
        assert last.output[0] == y
        last.output[0] = "scores"
        graph = helper.make_graph(
            self.nodes, name,
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, x_shape)],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, y_shape)],
            self.initialisers)
        model = helper.make_model(graph, producer_name="gst-sth",
                                  ir_version=7 if self.opset < 15 else 8,
                                  opset_imports=[helper.make_opsetid("", self.opset)])
        for key, value in metadata.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, value
        if self.opset <= onnx.defs.onnx_opset_version():  # else the checker does not know it yet
            onnx.checker.check_model(model)
        return model
