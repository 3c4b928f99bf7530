#!/usr/bin/python3
"""Golden values: what the engine's functions must give, computed by PyTorch in float64.

usage: make.py            write the files beside this script
       make.py --check    compute again and compare with the files (exit code 1 if they differ)

Each case is one safetensors file plus an entry in manifest.json:

  {"name": "conv2d_3x3", "what": "conv2d", "params": {"stride": 1, "pad": 1}, "file": ...,
   "doc": "...", "inputs": {"x": "2x3x5x7", ...}, "outputs": {"out.y": "2x4x5x7", ...}}

Tensor names: inputs are float32 (labels int32) and carry bare names ("x", "conv1.weight", as in a
PyTorch state dict); everything expected is float64: "out.NAME" is a result, "grad.NAME" the gradient
of sum(out.NAME * dout.NAME) with respect to input NAME, "after.NAME" a state buffer after the call.
Seeds of the gradient, "dout.NAME", are float32 inputs. Losses need no seed: their "grad." is of the
loss itself. Shapes are small, and height differs from width on purpose.

Conventions (the same in every case): NCHW; conv weights OIHW, linear [out][in], transposed conv
[in][out][kh][kw]; batch norm normalises with the biased variance, stores the unbiased one,
running = (1 - momentum) * running + momentum * batch; bn_eps 1e-4, sn_eps 1e-4 with
normalize(a) = a / max(|a|, sn_eps); spectral norm of W seen as [out][rest]: v = normalize(W^T u),
u' = normalize(W v), sigma = u'^T W v, no gradient through u and v. With training false the same
step is taken from the stored u, but u is not replaced (as in the published BigGAN code).
"""
import json
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

BN_EPS = SN_EPS = 1e-4
HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}
CASES = []
# Another draw for cases whose first one comes too close to a kink (main() checks).
SALT = {"generator_train": 28, "generator_eval": 48, "discriminator": 23, "generator_sagan": 2,
        "r1_pooled": 1, "r1_paper": 1, "generator_deep": 16, "classifier_plain_eval": 1,
        "denoiser_dunet_train": 13, "denoiser_dunet_eval": 15, "denoiser_dae_train": 19,
        "denoiser_dae_eval": 36}


class Case:
    """Inputs are drawn by name; outputs and gradients are recorded; files are written at the end."""

    def __init__(self, name, what, doc, **params):
        self.name, self.what, self.doc, self.params = name, what, doc, params
        self.inputs, self.outputs, self.leaves, self.margin = {}, {}, {}, np.inf
        self.random = np.random.RandomState(zlib.crc32(name.encode()) + SALT.get(name, 0))
        CASES.append(self)

    def give(self, name, values):
        """An input with given values; returns it as a float64 leaf (or int64 labels)."""
        values = np.asarray(values)
        if values.dtype.kind == "i":
            self.inputs[name] = values.astype(np.int32)
            return torch.from_numpy(values.astype(np.int64))
        self.inputs[name] = values.astype(np.float32)
        leaf = torch.from_numpy(self.inputs[name].astype(np.float64)).requires_grad_(True)
        self.leaves[name] = leaf
        return leaf

    def draw(self, name, *shape, scale=1.0, shift=0.0):
        return self.give(name, shift + scale * self.random.standard_normal(shape))

    def labels(self, name, count, below):
        return self.give(name, self.random.randint(0, below, count))

    def out(self, name, value):
        self.outputs["out." + name] = value.detach().numpy()

    def after(self, name, value):
        self.outputs["after." + name] = value.detach().numpy()

    def kink(self, distance):
        """Notes how close a ReLU or a maximum comes to switching: see main()."""
        self.margin = min(self.margin, distance.detach().abs().min().item())

    def gradients(self, *names, loss=None, outs=None):
        """Gradients of the loss, or of sum(out * dout) with freshly drawn dout."""
        if loss is None:
            loss = 0
            for key, value in outs.items():
                seed = self.random.standard_normal(value.shape).astype(np.float32)
                self.inputs["dout." + key] = seed
                loss = loss + (value * torch.from_numpy(seed.astype(np.float64))).sum()
        names = names or list(self.leaves)
        got = torch.autograd.grad(loss, [self.leaves[n] for n in names])
        for n, g in zip(names, got):
            self.outputs["grad." + n] = g.numpy()


# ---- layers, written from their formulas ------------------------------------------------------


def normalize(a):
    return a / torch.clamp(a.norm(), min=SN_EPS)


class Net:
    """Parameters under a name prefix, drawn on first use; spectral norm and batch norm states."""

    def __init__(self, case, training, sn=True):
        self.case, self.training, self.sn, self.prefix, self.eps = case, training, sn, [], BN_EPS

    def scope(self, name):
        net = Net(self.case, self.training, self.sn)
        net.eps = self.eps
        net.prefix = self.prefix + [name]
        return net

    def key(self, name):
        return ".".join(self.prefix + [name])

    def weight(self, shape, sn):
        fan = int(np.prod(shape[1:]))
        w = self.case.draw(self.key("weight"), *shape, scale=1.0 / np.sqrt(fan))
        if not (sn and self.sn):
            return w
        u = self.case.random.standard_normal(shape[0])
        u = self.case.give(self.key("weight_u"), u / np.linalg.norm(u)).detach()
        del self.case.leaves[self.key("weight_u")]
        m = w.flatten(1)
        v = normalize(m.detach().t() @ u)
        u = normalize(m.detach() @ v)
        if self.training:
            self.case.after(self.key("weight_u"), u)
        return w / (u @ m @ v)

    def bias(self, n, scale=0.3):
        return self.case.draw(self.key("bias"), n, scale=scale)

    def relu(self, x):
        self.case.kink(x)
        return F.relu(x)

    def max_pool(self, x):
        n, c, h, w = x.shape
        windows = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(3, 4).flatten(4)
        top = windows.topk(2).values
        # two zeros: both behind a ReLU that is off, where no gradient passes
        off = (top == 0).all(-1)
        self.case.kink(torch.where(off, torch.inf, top[..., 0] - top[..., 1]))
        return top[..., 0]

    def conv(self, x, cout, k, sn=True, bias=True, pad=None, stride=1):
        w = self.weight((cout, x.shape[1], k, k), sn)
        return F.conv2d(x, w, self.bias(cout) if bias else None,
                        padding=k // 2 if pad is None else pad, stride=stride)

    def linear(self, x, cout, sn=True, bias=True):
        w = self.weight((cout, x.shape[1]), sn)
        return F.linear(x, w, self.bias(cout) if bias else None)

    def embedding(self, y, count, size, sn):
        return self.weight((count, size), sn)[y]

    def normalised(self, x):
        """Batch norm without affine part; updates the running statistics when training."""
        c = x.shape[1]
        mean0 = self.case.draw(self.key("running_mean"), c, scale=0.5).detach()
        var0 = self.case.give(self.key("running_var"),
                              0.5 + self.case.random.random_sample(c)).detach()
        del self.case.leaves[self.key("running_mean")], self.case.leaves[self.key("running_var")]
        if not self.training:
            mean, var = mean0, var0
        else:
            count = x.numel() // c
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            m = 0.1
            self.case.after(self.key("running_mean"), (1 - m) * mean0 + m * mean)
            self.case.after(self.key("running_var"),
                            (1 - m) * var0 + m * var * count / (count - 1))
        return (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + self.eps)

    def batch_norm(self, x):
        c = x.shape[1]
        gain = self.case.draw(self.key("weight"), c, scale=0.3, shift=1)
        return self.normalised(x) * gain[:, None, None] + self.bias(c)[:, None, None]

    def conditional_bn(self, x, cond):
        gain = 1 + self.scope("gain").linear(cond, x.shape[1], bias=False)
        bias = self.scope("bias").linear(cond, x.shape[1], bias=False)
        return self.normalised(x) * gain[:, :, None, None] + bias[:, :, None, None]

    def class_bn(self, x, y, classes, cond=None):
        c = x.shape[1]
        gain = 1 + self.scope("class_gain").embedding(y, classes, c, sn=False)
        bias = self.scope("class_bias").embedding(y, classes, c, sn=False)
        if cond is not None:
            gain = gain + self.scope("gain").linear(cond, c, bias=False)
            bias = bias + self.scope("bias").linear(cond, c, bias=False)
        return self.normalised(x) * gain[:, :, None, None] + bias[:, :, None, None]

    def attention(self, x, sn=True, kind="pooled"):
        n, c, h, w = x.shape
        if kind == "residual":
            z = self.scope("conv1").conv(self.relu(x), c // 8, 3, sn, bias=False)
            return x + self.scope("conv2").conv(self.relu(z), c, 1, sn, bias=False), None
        pool, v = (self.max_pool, c // 2) if kind == "pooled" else (lambda a: a, c // 8)
        theta = self.scope("theta").conv(x, c // 8, 1, sn, bias=False).flatten(2)
        phi = pool(self.scope("phi").conv(x, c // 8, 1, sn, bias=False)).flatten(2)
        g = pool(self.scope("g").conv(x, v, 1, sn, bias=False)).flatten(2)
        beta = torch.softmax(torch.einsum("ncq,nck->nqk", theta, phi), -1)
        o = torch.einsum("nck,nqk->ncq", g, beta).reshape(n, v, h, w)
        gamma = self.case.give(self.key("gamma"), np.array([0.7]))
        return gamma * self.scope("o").conv(o, c, 1, sn, bias=False) + x, beta

    def gblock(self, x, cond, cout, norm=None):
        norm = norm or (lambda net, x: net.conditional_bn(x, cond))
        h = self.relu(norm(self.scope("bn1"), x))
        h = self.scope("conv1").conv(F.interpolate(h, scale_factor=2, mode="nearest"), cout, 3)
        h = self.relu(norm(self.scope("bn2"), h))
        h = self.scope("conv2").conv(h, cout, 3)
        up = F.interpolate(x, scale_factor=2, mode="nearest")
        return h + self.scope("conv_sc").conv(up, cout, 1)

    def dblock(self, x, cout, preactivation, downsample, wide=True, inside=lambda h: h):
        hidden = cout if wide else x.shape[1]
        h = self.scope("conv1").conv(self.relu(x) if preactivation else x, hidden, 3)
        h = inside(self.scope("conv2").conv(self.relu(h), cout, 3))
        learned = downsample or x.shape[1] != cout
        if preactivation:
            s = self.scope("conv_sc").conv(x, cout, 1) if learned else x
            s = F.avg_pool2d(s, 2) if downsample else s
        else:
            s = F.avg_pool2d(x, 2) if downsample else x
            s = self.scope("conv_sc").conv(s, cout, 1) if learned else s
        return (F.avg_pool2d(h, 2) if downsample else h) + s

    def gblock_deep(self, x, cond, cout, up):
        mid, conv = x.shape[1] // 4, lambda name, h, c, k: self.scope(name).conv(h, c, k)
        grow = lambda h: F.interpolate(h, scale_factor=2, mode="nearest") if up else h
        h = conv("conv1", self.relu(self.scope("bn1").conditional_bn(x, cond)), mid, 1)
        h = grow(self.relu(self.scope("bn2").conditional_bn(h, cond)))
        h = conv("conv2", h, mid, 3)
        h = conv("conv3", self.relu(self.scope("bn3").conditional_bn(h, cond)), mid, 3)
        h = conv("conv4", self.relu(self.scope("bn4").conditional_bn(h, cond)), cout, 1)
        return h + grow(x[:, :cout])

    def dblock_deep(self, x, cout, down):
        mid, conv = cout // 4, lambda name, h, c, k: self.scope(name).conv(h, c, k)
        shrink = lambda h: F.avg_pool2d(h, 2) if down else h
        h = conv("conv1", self.relu(x), mid, 1)
        h = conv("conv2", self.relu(h), mid, 3)
        h = self.relu(conv("conv3", self.relu(h), mid, 3))
        h = conv("conv4", shrink(h), cout, 1)
        s = shrink(x)
        if cout > x.shape[1]:
            s = torch.cat([s, conv("conv_sc", s, cout - x.shape[1], 1)], 1)
        return h + s

    def projection(self, x, y, classes):
        h = self.relu(x).sum((2, 3))
        e = self.scope("embed").embedding(y, classes, h.shape[1], sn=True)
        return self.scope("linear").linear(h, 1)[:, 0] + (e * h).sum(1)


    # The classifiers: x -> (features, map). dropout() multiplies by the case's mask when training.

    def dropout(self, h):
        if not self.training:
            return h
        keep = self.case.random.random_sample(tuple(h.shape)) < 0.5
        mask = self.case.give("mask", 2.0 * keep).detach()
        del self.case.leaves["mask"]
        return h * mask

    def conv_bn(self, conv, bn, x, cout, k):
        h = self.scope(conv).conv(x, cout, k, sn=False, bias=False)
        return self.scope(bn).batch_norm(h)

    def classifier_residual(self, x, width, hidden):
        h = self.relu(self.conv_bn("conv", "bn", x, width, 3))
        for i in range(3):
            h, out = self.max_pool(h), width << i
            net = self.scope("blocks").scope(str(i))
            a = self.relu(net.conv_bn("conv1", "bn1", h, out, 3))
            a = net.conv_bn("conv2", "bn2", a, out, 3)
            h = self.relu(a + (net.conv_bn("conv_sc", "bn_sc", h, out, 1) if i else h))
        return h.mean((2, 3)), h

    def classifier_plain(self, x, width, hidden):
        h = x
        for i in range(4):
            h = self.relu(self.scope(f"conv{i + 1}").conv(h, width << i // 2, 3, sn=False, pad=0))
            last = h
            h = self.max_pool(h) if i % 2 else h
        h = self.dropout(self.relu(self.scope("fc1").linear(h.flatten(1), hidden, sn=False)))
        return self.relu(self.scope("fc2").linear(h, hidden, sn=False)), last

    def classifier_vgg(self, x, width, hidden):
        h = x
        for i in range(6):
            h = self.relu(self.conv_bn(f"conv{i + 1}", f"bn{i + 1}", h, width << i // 2, 3))
            last = h
            h = self.max_pool(h) if i % 2 else h
        return self.dropout(self.relu(self.scope("fc").linear(h.flatten(1), hidden, sn=False))), last

    # The denoisers: units of conv, BN, ReLU in stages that halve and double the size again.

    def denoiser_stage(self, x, units, cout, stride):
        for i in range(units):
            h = self.scope(f"conv{i}").conv(x, cout, 3, sn=False, bias=False,
                                            stride=1 if i else stride)
            x = self.relu(self.scope(f"bn{i}").batch_norm(h))
        return x

    def denoiser(self, x, width, dunet):
        stages = [(2, width), (3, 2 * width), (3, 4 * width), (3, 4 * width), (3, 4 * width)]
        links, h = [], x
        for i, (units, out) in enumerate(stages):
            h = self.scope("forward").scope(str(i)).denoiser_stage(h, units, out, 2 if i else 1)
            links.append(h)
        for i in (3, 2, 1, 0):
            h = F.interpolate(h, links[i].shape[2:], mode="bilinear", align_corners=False)
            h = torch.cat([h, links[i]], 1) if dunet else h
            h = self.scope("back").scope(str(i)).denoiser_stage(h, *stages[i], 1)
        h = self.scope("final").conv(h, x.shape[1], 1, sn=False, bias=False)
        return x + h if dunet else h


# ---- cases -------------------------------------------------------------------------------------


def convolutions():
    for name, (n, c, h, w), (oc, kh, kw), stride, pad, bias in [
            ("conv2d_3x3", (2, 3, 5, 7), (4, 3, 3), 1, 1, True),
            ("conv2d_3x3_wide", (1, 17, 9, 6), (19, 3, 3), 1, 1, True),
            ("conv2d_3x3_valid", (2, 2, 6, 5), (3, 3, 3), 1, 0, False),
            ("conv2d_3x3_stride2", (2, 3, 7, 5), (4, 3, 3), 2, 1, True),
            ("conv2d_1x1", (3, 5, 3, 4), (2, 1, 1), 1, 0, False),
            ("conv2d_1x1_stride2", (2, 4, 5, 7), (3, 1, 1), 2, 0, True),
            ("conv2d_5x5_pad2", (1, 2, 7, 6), (3, 5, 5), 1, 2, True),
            ("conv2d_4x4_stride2", (2, 3, 8, 6), (5, 4, 4), 2, 1, False),
            ("conv2d_3x2_pad1", (2, 3, 4, 6), (2, 3, 2), 1, 1, True),
            ("conv2d_1pixel", (1, 4, 1, 1), (3, 3, 3), 1, 1, True)]:
        t = Case(name, "conv2d", "y = conv(x, weight) + bias, zero padding", stride=stride, pad=pad)
        x, k = t.draw("x", n, c, h, w), t.draw("weight", oc, c, kh, kw, scale=0.3)
        b = t.draw("bias", oc) if bias else None
        y = F.conv2d(x, k, b, stride=stride, padding=pad)
        t.out("y", y)
        t.gradients(outs={"y": y})
    for name, (n, c, h, w), (oc, k), stride, pad in [
            ("conv_transpose2d_4x4_stride2", (2, 3, 3, 4), (2, 4), 2, 1),
            ("conv_transpose2d_3x3", (2, 4, 4, 5), (3, 3), 1, 1)]:
        t = Case(name, "conv_transpose2d",
                 "the adjoint of conv2d: its input gradient as a layer; weight [in][out][kh][kw]",
                 stride=stride, pad=pad)
        x, k = t.draw("x", n, c, h, w), t.draw("weight", c, oc, k, k, scale=0.3)
        b = t.draw("bias", oc)
        y = F.conv_transpose2d(x, k, b, stride=stride, padding=pad)
        t.out("y", y)
        t.gradients(outs={"y": y})


def simple_layers():
    t = Case("linear", "linear", "y = x weight^T + bias")
    x, w, b = t.draw("x", 5, 7), t.draw("weight", 3, 7), t.draw("bias", 3)
    y = F.linear(x, w, b)
    t.out("y", y)
    t.gradients(outs={"y": y})

    t = Case("embedding", "embedding", "y = weight[label]")
    w = t.draw("weight", 4, 6)
    y = w[t.give("label", np.array([2, 0, 2, 3, 2]))]
    t.out("y", y)
    t.gradients(outs={"y": y})

    for name, doc, fn in [
            ("relu", "max(x, 0)", F.relu),
            ("tanh", "tanh(x)", torch.tanh),
            ("max_pool2d", "2x2, stride 2", lambda x: F.max_pool2d(x, 2)),
            ("avg_pool2d", "2x2, stride 2", lambda x: F.avg_pool2d(x, 2)),
            ("upsample_nearest2d", "each pixel twice in both directions",
             lambda x: F.interpolate(x, scale_factor=2, mode="nearest")),
            ("sum_pool", "sum over height and width", lambda x: x.sum((2, 3)))]:
        t = Case(name, name, doc)
        y = fn(t.draw("x", 2, 3, 4, 6, scale=1.5))
        t.out("y", y)
        t.gradients(outs={"y": y})

    for name, (h, w), (oh, ow) in [("double", (3, 4), (6, 8)), ("odd", (4, 4), (7, 7)),
                                   ("down", (7, 9), (3, 4)), ("pixel", (1, 1), (3, 2)),
                                   ("mixed", (5, 2), (2, 5))]:
        t = Case("resize_bilinear_" + name, "resize_bilinear", "align_corners=False", h=oh, w=ow)
        y = F.interpolate(t.draw("x", 2, 3, h, w), (oh, ow), mode="bilinear", align_corners=False)
        t.out("y", y)
        t.gradients(outs={"y": y})

    t = Case("softmax", "softmax", "over the last axis")
    y = torch.softmax(t.draw("x", 3, 5, 7, scale=3), -1)
    t.out("y", y)
    t.gradients(outs={"y": y})


def batch_norms():
    for training in (True, False):
        mode = "train" if training else "eval"
        t = Case("batch_norm_" + mode, "batch_norm", "y = normalised(x) * weight + bias",
                 training=training, eps=BN_EPS, momentum=0.1)
        x = t.draw("x", 3, 4, 3, 5, scale=2, shift=0.7)
        y = Net(t, training).batch_norm(x)
        t.out("y", y)
        t.gradients(outs={"y": y})

        t = Case("conditional_batch_norm_" + mode, "conditional_batch_norm",
                 "y = normalised(x) * (1 + gain) + bias, with gain and bias [n][c]",
                 training=training, eps=BN_EPS, momentum=0.1)
        x = t.draw("x", 3, 4, 3, 5, scale=2, shift=0.7)
        gain, bias = t.draw("gain", 3, 4, scale=0.4), t.draw("bias", 3, 4)
        y = Net(t, training).normalised(x) * (1 + gain)[:, :, None, None] + bias[:, :, None, None]
        t.out("y", y)
        t.gradients(outs={"y": y})

        t = Case("class_conditional_bn_" + mode, "class_conditional_bn",
                 "conditional batch norm whose gain and bias are spectrally normalised linear maps "
                 "of cond, without bias", training=training, eps=BN_EPS, momentum=0.1,
                 sn_eps=SN_EPS)
        x, cond = t.draw("x", 3, 4, 3, 5, scale=2, shift=0.7), t.draw("cond", 3, 6)
        y = Net(t, training).conditional_bn(x, cond)
        t.out("y", y)
        t.gradients(outs={"y": y})

    # One value per channel repeated: the variance is tiny, so eps decides.
    t = Case("batch_norm_flat", "batch_norm", "nearly constant channels: eps matters",
             training=True, eps=BN_EPS, momentum=0.1)
    x = t.draw("x", 2, 3, 2, 3, scale=1e-2, shift=4)
    y = Net(t, True).batch_norm(x)
    t.out("y", y)
    t.gradients(outs={"y": y})


    for name, slot, doc in [("class_table_bn", False, ""),
                            ("class_table_bn_slot", True, ", plus linear maps of cond")]:
        t = Case(name, "class_table_bn", "conditional batch norm whose gain and bias are rows of "
                 "tables, looked up by label" + doc, training=True, eps=BN_EPS, momentum=0.1,
                 sn_eps=SN_EPS, classes=3)
        x, y = t.draw("x", 3, 4, 3, 5, scale=2, shift=0.7), t.give("label", np.array([2, 0, 2]))
        y = Net(t, True).class_bn(x, y, 3, t.draw("cond", 3, 6) if slot else None)
        t.out("y", y)
        t.gradients(outs={"y": y})


def spectral_norms():
    for shape, kind in [((4, 3, 3, 3), "conv"), ((5, 7), "linear"), ((7, 5), "tall")]:
        t = Case("spectral_norm_" + kind, "spectral_norm",
                 "one power step from u: out.weight = weight / sigma; after.u and after.v",
                 training=True, eps=SN_EPS)
        w = t.draw("weight", *shape)
        u = t.random.standard_normal(shape[0])
        u = t.give("u", u / np.linalg.norm(u)).detach()
        m = w.flatten(1)
        v = normalize(m.detach().t() @ u)
        u = normalize(m.detach() @ v)
        sigma = u @ m @ v
        t.after("u", u)
        t.after("v", v)
        t.out("sigma", sigma.reshape(1))
        t.out("weight", w / sigma)
        t.gradients("weight", outs={"weight": w / sigma})

    t = Case("spectral_norm_stored", "spectral_norm_stored",
             "sigma = u^T W v from stored u and v, no power step (as PyTorch and published weights "
             "do in eval mode)")
    w = t.draw("weight", 4, 3, 3, 3)
    u, v = t.random.standard_normal(4), t.random.standard_normal(27)
    v += 3 * u @ w.detach().flatten(1).numpy()  # so that sigma is not near 0
    u = t.give("u", u / np.linalg.norm(u)).detach()
    v = t.give("v", v / np.linalg.norm(v)).detach()
    sigma = u @ w.flatten(1) @ v
    t.out("sigma", sigma.reshape(1))
    t.out("weight", w / sigma)
    t.gradients("weight", outs={"weight": w / sigma})

    t = Case("spectral_norm_converged", "spectral_norm",
             "200 steps from u reach the largest singular value (from a full decomposition)",
             training=True, eps=SN_EPS, steps=200)
    w = t.draw("weight", 6, 9)
    u = t.random.standard_normal(6)
    t.give("u", u / np.linalg.norm(u))
    t.out("sigma", torch.linalg.svdvals(w.detach())[:1])


    for shape, kind in [((6, 9), "wide"), ((9, 4), "tall"), ((4, 2, 3, 3), "conv"), ((5, 7), "rank2"),
                        ((1, 8), "row")]:
        t = Case("singular_values_" + kind, "singular_values",
                 "the three largest singular values (from a full decomposition), 0 beyond the rank; "
                 "out.clamped: the largest lowered to `clamp`", clamp=0.5)
        if kind == "rank2":
            a, b = t.random.standard_normal((5, 2)), t.random.standard_normal((2, 7))
            w = t.give("weight", a @ b)
        else:
            w = t.draw("weight", *shape)
        m = w.detach().flatten(1)
        u, s, v = torch.linalg.svd(m, full_matrices=False)
        t.out("sigma", F.pad(s, (0, 3))[:3])
        t.out("clamped", (m - (s[0] - 0.5) * torch.outer(u[:, 0], v[0])).reshape(shape))


def roi_align():
    """Boxes in pixels, 4 cells a pixel apart; 2x2 bilinear samples a bin, by grid_sample."""
    t = Case("roi_align", "roi_align", "bins x bins means of 2x2 bilinear samples each; sample k of "
             "2 bins lies at x0 + (k + 0.5)(x1 - x0) / (2 bins) pixels, x / stride - 0.5 in cells",
             bins=3, stride=4)
    x = t.draw("x", 2, 3, 6, 7)
    boxes = t.give("boxes", np.array([[3, 2, 20, 17], [0, 0, 28, 24], [9, 9, 11, 15],
                                      [-4, 5, 9, 26]], np.float32)).detach()
    del t.leaves["boxes"]
    index = t.give("index", np.array([0, 1, 1, 0]))
    k = (torch.arange(6, dtype=torch.float64) + 0.5) / 6
    rois = []
    for box, i in zip(boxes, index):
        u = (box[0] + k * (box[2] - box[0])) / 4 - 0.5  # cells from the middle of the first
        v = (box[1] + k * (box[3] - box[1])) / 4 - 0.5
        grid = torch.stack(torch.meshgrid((2 * u + 1) / 7 - 1, (2 * v + 1) / 6 - 1, indexing="xy"),
                           -1)
        samples = F.grid_sample(x[i][None], grid[None], padding_mode="border", align_corners=False)
        rois.append(F.avg_pool2d(samples, 2)[0])
    y = torch.stack(rois)
    t.out("y", y)
    t.gradients("x", outs={"y": y})


def losses():
    for name, scale, doc in [("cross_entropy", 2.0, "mean of -log softmax(x)[label]"),
                             ("cross_entropy_large", 120.0, "the same with logits of hundreds")]:
        t = Case(name, "cross_entropy", doc)
        x, label = t.draw("x", 5, 7, scale=scale), t.labels("label", 5, 7)
        t.out("log_softmax", torch.log_softmax(x, -1))
        t.out("per_sample", F.cross_entropy(x, label, reduction="none"))
        loss = F.cross_entropy(x, label)
        t.out("loss", loss.reshape(1))
        t.gradients("x", loss=loss)

    t = Case("pixel_cross_entropy", "pixel_cross_entropy", "-log softmax over axis 1 [label] at "
             "every pixel, [n][k][h][w]; loss is its mean")
    x, label = t.draw("x", 2, 4, 3, 5, scale=2), t.give("label", t.random.randint(0, 4, (2, 3, 5)))
    t.out("per_pixel", F.cross_entropy(x, label, reduction="none"))
    loss = F.cross_entropy(x, label)
    t.out("loss", loss.reshape(1))
    t.gradients("x", loss=loss)

    t = Case("smooth_l1", "smooth_l1", "0.5 x^2 where |x| < 1, else |x| - 0.5")
    x = t.draw("x", 4, 9, scale=1.5)
    y = F.smooth_l1_loss(x, torch.zeros_like(x), reduction="none")
    t.out("y", y)
    t.gradients("x", outs={"y": y})

    t = Case("cross_entropy_smooth", "cross_entropy", "label smoothing 0.1: targets "
             "(1 - s) onehot + s / classes", label_smoothing=0.1)
    x, label = t.draw("x", 5, 7, scale=2), t.labels("label", 5, 7)
    loss = F.cross_entropy(x, label, label_smoothing=0.1)
    t.out("loss", loss.reshape(1))
    t.gradients("x", loss=loss)

    for name, scale, doc in [("soft_cross_entropy", 2.0, "-sum of target * log softmax(x)"),
                             ("soft_cross_entropy_large", 120.0, "the same, logits of hundreds")]:
        t = Case(name, "soft_cross_entropy", doc)
        x = t.draw("x", 5, 7, scale=scale)
        target = t.give("target", t.random.dirichlet(np.ones(7), 5))
        each = -(target * torch.log_softmax(x, -1)).sum(1)
        t.out("per_sample", each)
        t.out("loss", each.mean().reshape(1))
        t.gradients("x", "target", loss=each.mean())

    t = Case("hinge_discriminator", "hinge_discriminator",
             "mean(relu(1 - real)) + mean(relu(1 + fake))")
    real, fake = t.draw("real", 7, scale=1.5), t.draw("fake", 7, scale=1.5)
    loss = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    t.out("loss", loss.reshape(1))
    t.gradients(loss=loss)

    t = Case("hinge_generator", "hinge_generator", "-mean(fake)")
    fake = t.draw("fake", 7)
    t.out("loss", (-fake.mean()).reshape(1))
    t.gradients(loss=-fake.mean())


def attention():
    t = Case("attention_core", "attention_core",
             "beta = softmax over keys of theta^T phi; o = g beta^T; theta [n][c][q], phi [n][c][k], "
             "g [n][d][k]")
    theta, phi = t.draw("theta", 2, 3, 10), t.draw("phi", 2, 3, 4)
    g = t.draw("g", 2, 5, 4)
    beta = torch.softmax(torch.einsum("ncq,nck->nqk", theta, phi), -1)
    o = torch.einsum("nck,nqk->ncq", g, beta)
    t.out("beta", beta)
    t.out("o", o)
    t.gradients(outs={"o": o})

    for name, sn, training in [("attention", False, False), ("attention_sn_train", True, True),
                               ("attention_sn_eval", True, False)]:
        t = Case(name, "attention", "y = gamma * o(g beta^T) + x; keys and values are max-pooled 2x2",
                 spectral_norm=sn, training=training, sn_eps=SN_EPS)
        x = t.draw("x", 2, 16, 4, 6)
        y, beta = Net(t, training).attention(x, sn)
        t.out("beta", beta)
        t.out("y", y)
        t.gradients(outs={"y": y})


    for kind, doc in [("paper", "keys and values at full resolution, values C/8"),
                      ("residual", "y = x + conv 1x1(relu(conv 3x3(relu(x)))), C/8 inside")]:
        t = Case("attention_" + kind, "attention", doc, kind=kind, spectral_norm=True,
                 training=True, sn_eps=SN_EPS)
        x = t.draw("x", 2, 16, 4, 6)
        y, beta = Net(t, True).attention(x, kind=kind)
        if beta is not None:
            t.out("beta", beta)
        t.out("y", y)
        t.gradients(outs={"y": y})


def blocks():
    for name, training in [("gblock_train", True), ("gblock_eval", False)]:
        t = Case(name, "gblock", "conditional BN, ReLU, nearest x2, conv 3x3, conditional BN, ReLU, "
                 "conv 3x3; shortcut nearest x2, conv 1x1; all spectrally normalised",
                 training=training, out_channels=4, bn_eps=BN_EPS, sn_eps=SN_EPS, momentum=0.1)
        x, cond = t.draw("x", 2, 5, 3, 4), t.draw("cond", 2, 6)
        y = Net(t, training).gblock(x, cond, 4)
        t.out("y", y)
        t.gradients(outs={"y": y})

    for name, c, oc, pre, down, training in [
            ("dblock_first", 3, 5, False, True, True), ("dblock_down", 4, 5, True, True, True),
            ("dblock_widen", 4, 5, True, False, True), ("dblock_same", 5, 5, True, False, True),
            ("dblock_eval", 4, 5, True, True, False)]:
        t = Case(name, "dblock", "[ReLU], conv 3x3 (in -> out), ReLU, conv 3x3, [average pool]; "
                 "shortcut conv 1x1 where the shape changes", training=training, out_channels=oc,
                 preactivation=pre, downsample=down, sn_eps=SN_EPS)
        x = t.draw("x", 2, c, 4, 6)
        y = Net(t, training).dblock(x, oc, pre, down)
        t.out("y", y)
        t.gradients(outs={"y": y})

    t = Case("projection_head", "projection_head",
             "h = sum of relu(x) over height and width; y = linear(h) + <embed[label], h>; both "
             "spectrally normalised", training=True, classes=4, sn_eps=SN_EPS)
    x, label = t.draw("x", 3, 6, 2, 3), t.labels("label", 3, 4)
    y = Net(t, True).projection(x, label, 4)
    t.out("y", y)
    t.gradients(outs={"y": y})


def networks():
    """Whole networks at 32 px: what the parts cannot show (chunks, order of the condition, where the
    attention stands). 4 ch = 8 channels, z of 8 in 4 chunks, shared embedding of 3, 5 classes."""
    for training in (True, False):
        t = Case("generator_" + ("train" if training else "eval"), "generator",
                 "BigGAN 32 px: linear(z chunk 0) -> 8x4x4; three GBlocks with cond = "
                 "(shared[label], z chunk i + 1); attention after the second; BN, ReLU, conv, tanh",
                 training=training, channels=3, classes=5, width=8, latent=8, shared=3,
                 attention=16, bn_eps=BN_EPS, sn_eps=SN_EPS, momentum=0.1)
        z, label = t.draw("z", 2, 8), t.give("label", np.array([3, 1]))
        net = Net(t, training)
        chunk, e = z.split(2, 1), net.scope("shared").embedding(label, 5, 3, sn=False)
        x = net.scope("linear").linear(chunk[0], 8 * 4 * 4).reshape(2, 8, 4, 4)
        for i in range(3):
            cond = torch.cat([e, chunk[i + 1]], 1)
            x = net.scope("blocks").scope(str(i)).gblock(x, cond, 8)
            if i == 1:
                x = net.scope("attention").attention(x)[0]
        x = net.relu(net.scope("bn").batch_norm(x))
        y = torch.tanh(net.scope("conv_out").conv(x, 3, 3))
        t.out("y", y)
        t.gradients(outs={"y": y})

    t = Case("discriminator", "discriminator",
             "BigGAN 32 px: DBlocks 3 -> 8 (down, no preactivation), attention, 8 -> 8 (down), "
             "8 -> 8, 8 -> 8, projection head", training=True, channels=3, classes=5, width=8,
             attention=16, sn_eps=SN_EPS)
    x, label = t.draw("x", 2, 3, 32, 32, scale=0.6), t.give("label", np.array([4, 0]))
    net = Net(t, True)
    for i, (pre, down) in enumerate([(False, True), (True, True), (True, False), (True, False)]):
        x = net.scope("blocks").scope(str(i)).dblock(x, 8, pre, down)
        if i == 0:
            x = net.scope("attention").attention(x)[0]
    y = net.projection(x, label, 5)
    t.out("y", y)
    t.gradients(outs={"y": y})


    # The same two with every switch in another position.
    t = Case("generator_sagan", "generator",
             "as generator_train, but no spectral norm, z only in the first layer, tables per class "
             "in place of the shared embedding, attention of the paper at 8x8", training=True,
             channels=1, classes=3, width=8, latent=6, shared=0, skip_z=False, spectral_norm="d",
             attention=8, kind="paper", bn_eps=BN_EPS, sn_eps=SN_EPS, momentum=0.1)
    z, label = t.draw("z", 2, 6), t.give("label", np.array([2, 0]))
    net = Net(t, True, sn=False)
    x = net.scope("linear").linear(z, 8 * 4 * 4).reshape(2, 8, 4, 4)
    for i in range(3):
        x = net.scope("blocks").scope(str(i)).gblock(x, None, 8,
                                                     lambda n, x: n.class_bn(x, label, 3))
        if i == 0:
            x = net.scope("attention").attention(x, kind="paper")[0]
    x = net.relu(net.scope("bn").batch_norm(x))
    y = torch.tanh(net.scope("conv_out").conv(x, 1, 3))
    t.out("y", y)
    t.gradients(outs={"y": y})

    t = Case("discriminator_thin", "discriminator",
             "as discriminator, but the hidden map of a block as wide as its input, and attention "
             "at 32x32, inside the first block", training=True, channels=3, classes=5, width=8,
             attention=32, kind="pooled", wide=False, sn_eps=SN_EPS)
    x, label = t.draw("x", 1, 3, 32, 32, scale=0.6), t.give("label", np.array([4]))
    net = Net(t, True)
    for i, (pre, down) in enumerate([(False, True), (True, True), (True, False), (True, False)]):
        block = net.scope("blocks").scope(str(i))
        inside = (lambda h: block.scope("attention").attention(h)[0]) if i == 0 else lambda h: h
        x = block.dblock(x, 8, pre, down, wide=False, inside=inside)
    y = net.projection(x, label, 5)
    t.out("y", y)
    t.gradients(outs={"y": y})

    t = Case("discriminator_plain", "discriminator",
             "as discriminator, but no spectral norm, and a residual block in attention's place at "
             "8x8", training=True, channels=1, classes=3, width=8, attention=8, kind="residual",
             spectral_norm="none", sn_eps=SN_EPS)
    x, label = t.draw("x", 2, 1, 32, 32, scale=0.6), t.give("label", np.array([1, 2]))
    net = Net(t, True, sn=False)
    for i, (pre, down) in enumerate([(False, True), (True, True), (True, False), (True, False)]):
        x = net.scope("blocks").scope(str(i)).dblock(x, 8, pre, down)
        if i == 1:
            x = net.scope("attention").attention(x, kind="residual")[0]
    y = net.projection(x, label, 3)
    t.out("y", y)
    t.gradients(outs={"y": y})


    t = Case("generator_deep", "generator",
             "BigGAN-deep 32 px: cond = (shared[label], z) -> linear 8x4x4; six deep GBlocks, every "
             "second one upsamples, the last halves the channels; attention after the fourth",
             training=True, architecture="biggan-deep", channels=1, classes=3, width=8, latent=6,
             shared=3, attention=16, bn_eps=BN_EPS, sn_eps=SN_EPS, momentum=0.1)
    z, label = t.draw("z", 2, 6), t.give("label", np.array([2, 0]))
    net = Net(t, True)
    cond = torch.cat([net.scope("shared").embedding(label, 3, 3, sn=False), z], 1)
    x = net.scope("linear").linear(cond, 8 * 4 * 4).reshape(2, 8, 4, 4)
    for i in range(6):
        block = net.scope("blocks").scope(str(i))
        x = block.gblock_deep(x, cond, 4 if i == 5 else 8, i % 2 == 1)
        if i == 3:
            x = net.scope("attention").attention(x)[0]
    x = net.relu(net.scope("bn").batch_norm(x))
    y = torch.tanh(net.scope("conv_out").conv(x, 1, 3))
    t.out("y", y)
    t.gradients(outs={"y": y})

    t = Case("discriminator_deep", "discriminator",
             "BigGAN-deep 32 px: conv 3 -> 4; six deep DBlocks, 4 -> 8 (down), 8 -> 8, 8 -> 8 (down), "
             "8 -> 8 three times; attention after the second; projection head", training=True,
             architecture="biggan-deep", channels=3, classes=5, width=8, attention=16,
             sn_eps=SN_EPS)
    x, label = t.draw("x", 1, 3, 32, 32, scale=0.6), t.give("label", np.array([3]))
    net = Net(t, True)
    x = net.scope("stem").conv(x, 4, 3)
    for i in range(6):
        x = net.scope("blocks").scope(str(i)).dblock_deep(x, 8, i in (0, 2))
        if i == 1:
            x = net.scope("attention").attention(x)[0]
    y = net.projection(x, label, 5)
    t.out("y", y)
    t.gradients(outs={"y": y})

    # The gradient of a gradient, through everything that a discriminator is made of.
    for kind, sn in [("pooled", "both"), ("paper", "none")]:
        t = Case("r1_" + kind, "gradient_penalty",
                 "gamma / 2 * mean over samples of |d score / d x|^2 for the discriminator",
                 training=True, channels=1, classes=3, width=8, attention=16, kind=kind,
                 spectral_norm=sn, sn_eps=SN_EPS, gamma=3.0)
        x, label = t.draw("x", 2, 1, 32, 32, scale=0.6), t.give("label", np.array([1, 2]))
        net, h = Net(t, True, sn=sn == "both"), x
        for i, (pre, down) in enumerate([(False, True), (True, True), (True, False), (True, False)]):
            h = net.scope("blocks").scope(str(i)).dblock(h, 8, pre, down)
            if i == 0:
                h = net.scope("attention").attention(h, kind=kind)[0]
        score = net.projection(h, label, 3)
        dx, = torch.autograd.grad(score.sum(), [x], create_graph=True)
        loss = 3.0 / 2 * dx.pow(2).sum((1, 2, 3)).mean()
        t.out("loss", loss.reshape(1))
        # a bias moves the slope only through attention's softmax
        t.gradients(*[n for n in t.leaves if "bias" not in n or n.startswith("blocks.0.")],
                    loss=loss)


def classifiers():
    """The three families, 4 channels wide, 6 hidden units, 3 classes; training with batch statistics
    and a given mask of dropout."""
    for kind, doc in [("residual", "conv, BN, ReLU; three stages of pool, ReLU(BN conv ReLU BN conv + "
                       "shortcut); spatial mean; linear"),
                      ("plain", "conv 3x3 without padding and ReLU, four times, a pool after every "
                       "second; two hidden layers, dropout between them; linear"),
                      ("vgg", "conv 3x3, BN, ReLU, six times, a pool after every second; a hidden "
                       "layer, dropout; linear")]:
        for training in (True, False):
            t = Case(f"classifier_{kind}_" + ("train" if training else "eval"), "classifier", doc,
                     training=training, architecture=kind, channels=1, classes=3, width=4, hidden=6,
                     momentum=0.1)
            x = t.draw("x", 2 if training else 1, 1, 32, 32, scale=0.6)
            net = Net(t, training, sn=False)
            net.eps = 1e-5
            features, last = getattr(net, "classifier_" + kind)(x, 4, 6)
            y = net.scope("linear").linear(features, 3, sn=False)
            t.out("y", y)
            t.out("features", features)
            t.out("map", last)
            t.gradients(*(list(t.leaves) if training else ["x"]), outs={"y": y})


def denoisers():
    """Both architectures, 2 channels wide, at a size whose halves are odd."""
    for kind, doc in [("dunet", "encoder, decoder with lateral links, output added to the input"),
                      ("dae", "the same without links; the output is the picture")]:
        for training in (True, False):
            t = Case(f"denoiser_{kind}_" + ("train" if training else "eval"), "denoiser", doc,
                     training=training, architecture=kind, channels=1, width=2, momentum=0.1)
            x = t.draw("x", 2, 1, 17, 19, scale=0.6)
            net = Net(t, training, sn=False)
            net.eps = 1e-5
            y = net.denoiser(x, 2, kind == "dunet")
            t.out("y", y)
            t.gradients(*(list(t.leaves) if training else ["x"]), outs={"y": y})


def optimisers():
    """param [n], grad [steps][n] given; out.param [steps][n] after each step."""
    steps = 10

    def run(t, make):
        p0, grads = t.draw("param", 6), t.draw("grad", steps, 6)
        with torch.no_grad():
            grads[:, 5] = 0  # a parameter that never gets a gradient
            grads[3, 4] *= 1e-4  # and one whose gradients differ by orders of magnitude
        t.inputs["grad"] = grads.detach().numpy().astype(np.float32)
        grads = torch.from_numpy(t.inputs["grad"].astype(np.float64))
        p = torch.nn.Parameter(p0.detach().clone())
        opt, track = make([p]), []
        for i in range(steps):
            p.grad = grads[i].clone()
            opt.step()
            track.append(p.detach().clone())
        t.out("param", torch.stack(track))

    doc = "p -= lr * mhat / (sqrt(vhat) + eps), bias-corrected moments"
    for name, o in [("adam", dict(lr=1e-2, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0)),
                    ("adam_gan", dict(lr=4e-4, beta1=0.0, beta2=0.999, eps=1e-6, weight_decay=0.0)),
                    ("adam_l2", dict(lr=1e-2, beta1=0.9, beta2=0.99, eps=1e-3, weight_decay=0.1))]:
        t = Case(name, "adam", doc + "; weight_decay adds wd * p to the gradient", **o)
        run(t, lambda p: torch.optim.Adam(p, lr=o["lr"], betas=(o["beta1"], o["beta2"]),
                                          eps=o["eps"], weight_decay=o["weight_decay"]))
    o = dict(lr=1e-2, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.1)
    t = Case("adamw", "adamw", doc + "; before that p *= 1 - lr * weight_decay", **o)
    run(t, lambda p: torch.optim.AdamW(p, lr=o["lr"], betas=(o["beta1"], o["beta2"]), eps=o["eps"],
                                       weight_decay=o["weight_decay"]))

    for name, momentum, nesterov, wd in [("sgd", 0.0, False, 0.0), ("sgd_momentum", 0.9, False, 0.0),
                                         ("sgd_nesterov", 0.9, True, 5e-2)]:
        t = Case(name, "sgd", "g += wd * p; b = momentum * b + g (first step b = g); "
                 "p -= lr * (nesterov ? g + momentum * b : b)", lr=0.05, momentum=momentum,
                 nesterov=nesterov, weight_decay=wd)
        run(t, lambda p: torch.optim.SGD(p, lr=0.05, momentum=momentum, nesterov=nesterov,
                                         weight_decay=wd))

    t = Case("ema", "ema", "average = decay * average + (1 - decay) * param[step]", decay=0.9)
    a, track = t.draw("average", 6).detach(), []
    values = t.draw("param", steps, 6).detach()
    for i in range(steps):
        a = 0.9 * a + (1 - 0.9) * values[i]
        track.append(a)
    t.out("average", torch.stack(track))


# ---- files ---------------------------------------------------------------------------------------


def safetensors(t):
    header, blobs, offset = {"__metadata__": {"case": t.name, "doc": t.doc}}, [], 0
    for name, a in {**t.inputs, **t.outputs}.items():
        a = np.ascontiguousarray(a)
        header[name] = {"dtype": DTYPES[a.dtype.name], "shape": list(a.shape),
                        "data_offsets": [offset, offset + a.nbytes]}
        blobs.append(a.tobytes())
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def manifest():
    def shapes(tensors):
        return {n: "x".join(map(str, a.shape)) for n, a in tensors.items()}

    rows = [json.dumps({"name": t.name, "what": t.what, "params": t.params,
                        "file": t.name + ".safetensors", "doc": t.doc, "inputs": shapes(t.inputs),
                        "outputs": shapes(t.outputs)}) for t in CASES]
    return ('{"torch": "%s", "cases": [\n' % torch.__version__ + ",\n".join(rows) + "\n]}\n").encode()


def stored(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    kinds = {v: k for k, v in DTYPES.items()}
    return {n: np.frombuffer(data[8 + size + d["data_offsets"][0]:8 + size + d["data_offsets"][1]],
                             kinds[d["dtype"]]).reshape(d["shape"])
            for n, d in header.items() if n != "__metadata__"}


def check():
    bad = 0
    for t in CASES:
        have, want = stored(os.path.join(HERE, t.name + ".safetensors")), {**t.inputs, **t.outputs}
        worst = max(np.abs(have[n] - a).max() / max(1.0, np.abs(a).max()) if n in have
                    and have[n].shape == a.shape else np.inf for n, a in want.items())
        if have.keys() != want.keys() or not worst < 1e-9:
            bad += 1
            print(f"{t.name}: differs from the stored file ({worst:.2g})")
    print(f"{len(CASES) - bad} of {len(CASES)} cases agree")
    return bad


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for make in (convolutions, simple_layers, batch_norms, spectral_norms, roi_align, losses,
                 attention, blocks, networks, classifiers, denoisers, optimisers):
        make()
    assert len({t.name for t in CASES}) == len(CASES)
    for t in CASES:
        for n, a in {**t.inputs, **t.outputs}.items():
            assert np.isfinite(a).all(), (t.name, n)
        # A float32 run must take the same side of every ReLU and the same maximum as this one.
        assert t.margin > 1e-5, (t.name, t.margin)
    if sys.argv[1:] == ["--check"]:
        sys.exit(1 if check() else 0)
    total = 0
    for name, data in [(t.name + ".safetensors", safetensors(t)) for t in CASES] + [
            ("manifest.json", manifest())]:
        with open(os.path.join(HERE, name), "wb") as f:
            f.write(data)
        total += len(data)
    print(f"{len(CASES)} cases, {total} bytes")


if __name__ == "__main__":
    main()
