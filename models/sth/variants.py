# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same network as other converters and optimisers leave it: rewrites of ONNX models.

A rewrite takes a ModelProto and changes it in place; what it computes stays.
`STYLES` are the sets in which they are found together.
"""
import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

ELEMENTWISE = ("Relu", "Clip", "Add", "Mul", "Max", "Min", "Identity", "Dropout")


class Rewriter:
    """One pass over the nodes of a model; `visit` says what becomes of each."""

    def __init__(self, model):
        self.model, self.graph = model, model.graph
        self.opset = model.opset_import[0].version
        self.constants = {i.name: numpy_helper.to_array(i) for i in self.graph.initializer}
        self.shapes = {i.name: list(i.dims) for i in self.graph.initializer}
        inferred = shape_inference.infer_shapes(model).graph
        for value in list(inferred.value_info) + list(inferred.input) + list(inferred.output):
            self.shapes.setdefault(value.name, [
                d.dim_value for d in value.type.tensor_type.shape.dim])
        self.count, self.nodes = 0, []

    def name(self, base):
        self.count += 1
        return "%s/%s_%d" % (type(self).__name__, base, self.count)

    def constant(self, value):
        name = self.name("constant")
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def emit(self, op, inputs, output=None, **attributes):
        """Add a node; returns its output."""
        output = output or self.name(op)
        self.nodes.append(helper.make_node(op, inputs, [output], self.name(op), **attributes))
        return output

    def axes(self, op, x, axes, output=None, **attributes):
        """Squeeze or Unsqueeze, whose axes became an input in opset 13."""
        if self.opset < 13:
            return self.emit(op, [x], output, axes=axes, **attributes)
        return self.emit(op, [x, self.constant(np.asarray(axes, np.int64))], output, **attributes)

    def keep(self, node):
        self.nodes.append(node)

    def visit(self, node):
        raise NotImplementedError

    def run(self):
        for node in list(self.graph.node):
            self.visit(node)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        del self.graph.value_info[:]


def attribute(node, name, default=None):
    found = [a for a in node.attribute if a.name == name]
    return helper.get_attribute_value(found[0]) if found else default


def set_attribute(node, name, value):
    for a in [a for a in node.attribute if a.name == name]:
        node.attribute.remove(a)
    node.attribute.append(helper.make_attribute(name, value))


class ExplicitPad(Rewriter):
    """Pad in front of a Conv without padding."""

    def visit(self, node):
        pads = attribute(node, "pads", [])
        if node.op_type == "Conv" and any(pads):
            half = len(pads) // 2
            both = [0, 0] + pads[:half] + [0, 0] + pads[half:]
            if self.opset < 11:
                x = self.emit("Pad", [node.input[0]], pads=both, mode="constant", value=0.0)
            else:
                x = self.emit("Pad", [node.input[0], self.constant(np.asarray(both, np.int64))],
                              mode="constant")
            node.input[0] = x
            set_attribute(node, "pads", [0] * len(pads))
        self.keep(node)


class ChannelsLast(Rewriter):
    """TensorFlow's activations: channels last but around what knows channels first only."""

    def __init__(self, model):
        super().__init__(model)
        self.last = {}  # channels first -> the same value, channels last

    def _to_last(self, x):
        self.last[x] = self.emit("Transpose", [x], perm=[0, *range(2, len(self.shapes[x])), 1])

    def _to_first(self, x):
        rank = len(self.shapes[x])
        return self.emit("Transpose", [self.last[x]], perm=[0, rank - 1, *range(1, rank - 1)])

    def _stays_last(self, node):
        """Can it compute on the values that are channels last already?"""
        rank = len(self.shapes[node.output[0]])
        return node.op_type in ELEMENTWISE and rank >= 4 and all(
            v in self.last and len(self.shapes[v]) == rank
            for v in node.input if v and v not in self.constants)

    def visit(self, node):
        y = node.output[0]
        if self._stays_last(node):
            self.last[y] = y + "/last"
            node.input[:] = [self.last.get(v, v) for v in node.input]
            node.output[:] = [self.last[y]]
            return self.keep(node)
        node.input[:] = [self._to_first(v) if v in self.last else v for v in node.input]
        self.keep(node)
        if node.op_type in ("Conv", "MaxPool", "BatchNormalization"):
            self._to_last(y)
        return None

    def run(self):
        """Also the input of the model: N, frames, rows, columns, channels."""
        entry = self.graph.input[0]
        shape = self.shapes[entry.name]
        order = ([0, 3, 1, 2] if len(shape) == 4 else
                 [0, 4, 1, 2, 3] if shape[1] == 3 else [0, 1, 4, 2, 3])
        super().run()
        turned = helper.make_node("Transpose", [entry.name], ["frames/first"], "frames/first",
                                  perm=order)
        for node in self.graph.node:
            node.input[:] = ["frames/first" if v == entry.name else v for v in node.input]
        self.graph.node.insert(0, turned)
        new = [shape[order.index(i)] for i in range(len(shape))]
        entry.CopyFrom(helper.make_tensor_value_info(entry.name, 1, new))
        for prop in self.model.metadata_props:
            if prop.key == "sth.layout":
                prop.value = "THWC" if len(shape) == 4 else "NTHWC"


class MinMax(Rewriter):
    """ReLU6 as Max and Min."""

    def visit(self, node):
        if node.op_type != "Clip":
            return self.keep(node)
        low, high = self.constant(np.float32(0)), self.constant(np.float32(6))
        x = self.emit("Max", [node.input[0], low])
        return self.emit("Min", [x, high], node.output[0])


class MatMulHead(Rewriter):
    """Gemm as MatMul and Add."""

    def visit(self, node):
        if node.op_type != "Gemm":
            return self.keep(node)
        weight = self.constant(np.ascontiguousarray(self.constants[node.input[1]].T))
        y = self.emit("MatMul", [node.input[0], weight])
        return self.emit("Add", [y, node.input[2]], node.output[0])


class ReduceMeanHead(Rewriter):
    """GlobalAveragePool as ReduceMean."""

    def visit(self, node):
        if node.op_type != "GlobalAveragePool":
            return self.keep(node)
        return self.emit("ReduceMean", [node.input[0]], node.output[0], keepdims=1,
                         axes=list(range(2, len(self.shapes[node.input[0]]))))


class AveragePoolHead(Rewriter):
    """GlobalAveragePool as AveragePool over everything."""

    def visit(self, node):
        if node.op_type != "GlobalAveragePool":
            return self.keep(node)
        size = self.shapes[node.input[0]][2:]
        return self.emit("AveragePool", [node.input[0]], node.output[0], kernel_shape=size,
                         strides=[1] * len(size))


class ReshapeFlatten(Rewriter):
    """Flatten as Reshape, and Reshapes that copy (0) and infer (-1)."""

    def visit(self, node):
        if node.op_type == "Flatten":
            return self.emit("Reshape", [node.input[0], self.constant(np.array([0, -1], np.int64))],
                             node.output[0])
        if node.op_type == "Reshape":
            before, after = self.shapes[node.input[0]], self.shapes[node.output[0]]
            shape = [0 if i < len(before) and before[i] == n else n for i, n in enumerate(after)]
            shape[next((i for i, n in enumerate(shape) if n), -1)] = -1
            node.input[1] = self.constant(np.asarray(shape, np.int64))
        return self.keep(node)


class Wrapped(Rewriter):
    """Every convolution between Unsqueeze and Squeeze of one axis more."""

    def visit(self, node):
        if node.op_type != "Conv":
            return self.keep(node)
        output, node.output[0] = node.output[0], self.name("conv")
        self.keep(node)
        return self.axes("Squeeze", self.axes("Unsqueeze", node.output[0], [0]), [0], output)


class Identities(Rewriter):
    """Two Identities behind every convolution, a Dropout before the classifier."""

    def visit(self, node):
        if node.op_type == "Gemm":
            node.input[0] = self.emit("Dropout", [node.input[0]])
        self.keep(node)
        if node.op_type == "Conv":
            output, node.output[0] = node.output[0], self.name("conv")
            self.emit("Identity", [self.emit("Identity", [node.output[0]])], output)
        return None


class ConstantNodes(Rewriter):
    """Constant nodes in place of initializers."""

    def visit(self, node):
        self.keep(node)

    def run(self):
        super().run()
        for i, tensor in enumerate(self.graph.initializer):
            self.graph.node.insert(i, helper.make_node("Constant", [], [tensor.name], value=tensor))
        del self.graph.initializer[:]


class InitializerInputs(Rewriter):
    """IR version 3: every initializer is an input as well."""

    def visit(self, node):
        self.keep(node)

    def run(self):
        super().run()
        self.model.ir_version = 3
        self.graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, t.dims)
                                for t in self.graph.initializer)


# opset, BatchNorm folded, rewrites in this order
STYLES = {
    "tensorflow": (13, True, (ExplicitPad, MinMax, ReduceMeanHead, MatMulHead, ChannelsLast,
                              ConstantNodes)),
    "old": (9, False, (Identities, AveragePoolHead, ReshapeFlatten, InitializerInputs)),
    "wrapped": (16, False, (ReshapeFlatten, Wrapped, MatMulHead)),
}


def restyle(model, style):
    for rewrite in STYLES[style][2]:
        rewrite(model).run()
    onnx.checker.check_model(model)
    return model
