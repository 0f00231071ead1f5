# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH networks to ONNX: walk the modules, fold BatchNorm, write one of the forms."""
import numpy as np

from .layers import STHConv2d, STHDepthwise
from .networks import STHMobileNetV2, STHResNet
from .onnx_forms import FORMS
from .onnx_writer import GraphWriter

INPUT_SHAPES = {"NCTHW": lambda t, h, w: [1, 3, t, h, w],
                "NTCHW": lambda t, h, w: [1, t, 3, h, w],
                "TCHW": lambda t, h, w: [t, 3, h, w]}


class Exporter:
    """Writes one network.  fold: put BatchNorm into the convolutions."""

    def __init__(self, net, size, form="a", opset=13, layout="NCTHW", fold=True):
        if layout == "TCHW" and form in "ab":
            raise ValueError("form %s needs a 5-D input, not TCHW" % form)
        if form in "cd" and any(getattr(block, "shift", False) or getattr(block, "time", None) is not None
                                for block in net.blocks):
            raise ValueError("TSM and (2+1)-D can be written in forms a and b only")
        self.net, self.size, self.fold, self.layout = net, tuple(size), fold, layout
        self.writer = GraphWriter(opset)
        self.form = FORMS[form](self.writer, net.frames)
        self.form.size = self.size

    def parameters(self, conv, norm):
        """(weight, taps or None, bias) with BatchNorm folded into them if norm is given."""
        weight = (conv.plane() if isinstance(conv, STHConv2d) else conv.weight).detach().numpy().copy()
        taps = conv.taps.detach().numpy().copy() if isinstance(conv, (STHConv2d, STHDepthwise)) else None
        if norm is None:
            return weight, taps, np.zeros(len(weight), np.float32)
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        bias = (norm.bias - norm.running_mean * scale).detach().numpy()
        scale = scale.numpy()
        if isinstance(conv, STHConv2d):
            taps *= scale[None, :, None]
        elif isinstance(conv, STHDepthwise):
            taps *= scale[None, conv.first:conv.last]
        return weight * scale[:, None, None, None], taps, bias

    def convolve(self, x, conv, norm, where):
        """Convolution and BatchNorm; also follows the size of the pictures."""
        attention = getattr(conv, "attention", None)
        fold = self.fold and attention is None  # attention stands between the two
        weight, taps, bias = self.parameters(conv, norm if fold else None)
        sth = taps is not None
        stride = conv.stride if sth else conv.stride[0]
        after = tuple((v + stride - 1) // stride for v in self.form.size)
        if sth and not taps.size:
            x = self.form.plane(x, weight, bias, where, stride, getattr(conv, "channels", 1))
        elif isinstance(conv, STHDepthwise):
            x = self.form.depthwise(x, conv, weight, taps, bias, where)
            x = self.form.weighed(x, conv, where) if attention else x
        elif attention:
            x = self.form.attended(x, conv, where)
        elif sth:
            x = self.form.dense(x, conv, weight, taps, bias, where)
        else:
            x = self.form.plane(x, weight, bias if fold else None, where, stride)
        self.form.size = after
        return x if fold else self.writer.batch_norm(x, norm, where + ".norm")

    def factorised(self, x, block, where):
        """(2+1)-D: the plane, the line, then BatchNorm, always folded."""
        conv, norm = block.depthwise, block.depthwise_bn
        weight, _, bias = self.parameters(conv, None)
        x = self.form.plane(x, weight, bias, where, conv.stride, conv.channels)
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        bias = (norm.bias - norm.running_mean * scale).detach()
        return self.form.time(x, block.time.taps.detach().numpy(), scale.numpy(), bias.numpy(), where + ".time")

    def inverted_residual(self, x, block, where):
        y = self.form.shifted(x, block.expand.in_channels, where) if block.shift else x
        if block.expand is not None:
            y = self.convolve(y, block.expand, block.expand_bn, where + ".expand")
            y = self.writer.relu6(y, where + ".expand")
        if block.time is None:
            y = self.convolve(y, block.depthwise, block.depthwise_bn, where + ".depthwise")
        else:
            y = self.factorised(y, block, where + ".depthwise")
        y = self.writer.relu6(y, where + ".depthwise")
        y = self.convolve(y, block.project, block.project_bn, where + ".project")
        return self.writer.node("Add", [x, y], where) if block.residual else y

    def residual_block(self, x, block, where):
        size, y = self.form.size, x
        for i, (conv, norm) in enumerate(zip(block.convs, block.norms)):
            if i:
                y = self.writer.node("Relu", [y], "%s.conv%d" % (where, i - 1))
            y = self.convolve(y, conv, norm, "%s.conv%d" % (where, i))
        if block.down is not None:
            after, self.form.size = self.form.size, size
            x = self.convolve(x, block.down, block.down_bn, where + ".down")
            self.form.size = after
        y = self.writer.node("Add", [y, x], where)
        return self.writer.node("Relu", [y], where)

    def mobilenet(self, x):
        x = self.convolve(x, self.net.stem, self.net.stem_bn, "stem")
        x = self.writer.relu6(x, "stem")
        for i, block in enumerate(self.net.blocks):
            x = self.inverted_residual(x, block, "blocks.%d" % i)
        x = self.convolve(x, self.net.last, self.net.last_bn, "last")
        return self.writer.relu6(x, "last")

    def resnet(self, x):
        x = self.convolve(x, self.net.stem, self.net.stem_bn, "stem")
        x = self.writer.node("Relu", [x], "stem")
        if self.net.pool is not None:
            x = self.form.max_pool(x, "stem")
            self.form.size = tuple((v + 1) // 2 for v in self.form.size)
        for i, block in enumerate(self.net.blocks):
            x = self.residual_block(x, block, "blocks.%d" % i)
        return x

    def run(self, name, metadata):
        """Return the ModelProto; input `frames`, output `scores` (logits)."""
        walk = {STHMobileNetV2: self.mobilenet, STHResNet: self.resnet}[type(self.net)]
        linear = self.net.head.linear
        x = self.form.enter("frames", self.layout)
        y = self.form.head(walk(x), linear, "head")
        shape = INPUT_SHAPES[self.layout](self.net.frames, *self.size)
        return self.writer.model(name, "frames", shape, y, [1, linear.out_features], metadata)


def export(net, size, name="sth", metadata=None, **options):
    """Write net, in evaluation mode, for pictures of size (height, width).

    options: form a to d, opset 9 to 18, layout NCTHW, NTCHW or TCHW, fold.
    """
    metadata = dict(metadata or {})
    metadata.setdefault("sth.layout", options.get("layout", "NCTHW"))
    return Exporter(net.eval(), size, **options).run(name, metadata)
