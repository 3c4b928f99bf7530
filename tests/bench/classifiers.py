"""Our classifiers and Fashion-MNIST in PyTorch, for scripts that compare with other programs.

The network is built anew from the weights of a file written by `limen-cli train classifier`.
Pictures are 28x28 in a black frame of 32x32, in [0,1]; `limen-cli` takes the same.
"""
import gzip
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def read_safetensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    meta = header.pop("__metadata__")
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        a = np.frombuffer(body[begin:end], DTYPES[t["dtype"]]).reshape(t["shape"])
        tensors[name] = torch.from_numpy(a.astype(np.float32))
    return tensors, json.loads(meta["limen.params"])


class Classifier(torch.nn.Module):
    """The three families of engine/models/classifier-*.c; takes [n][c][32][32] in [0,1]."""

    def __init__(self, path):
        super().__init__()
        self.w, p = read_safetensors(path)
        self.family = {"residual": self.residual, "plain": self.plain,
                       "vgg": self.vgg}[p.get("architecture", "residual")]

    def conv(self, name, x, pad):
        return F.conv2d(x, self.w[name + ".weight"], self.w.get(name + ".bias"), padding=pad)

    def bn(self, name, x):
        w = self.w
        return F.batch_norm(x, w[name + ".running_mean"], w[name + ".running_var"],
                            w[name + ".weight"], w[name + ".bias"], False, 0, 1e-5)

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def residual(self, x):
        h = F.relu(self.bn("bn", self.conv("conv", x, 1)))
        for i in range(3):
            b = "blocks.%d." % i
            h = shortcut = F.max_pool2d(h, 2)
            h = F.relu(self.bn(b + "bn1", self.conv(b + "conv1", h, 1)))
            h = self.bn(b + "bn2", self.conv(b + "conv2", h, 1))
            if b + "conv_sc.weight" in self.w:
                shortcut = self.bn(b + "bn_sc", self.conv(b + "conv_sc", shortcut, 0))
            h = F.relu(h + shortcut)
        return h.mean((2, 3))

    def plain(self, x):
        for i in range(4):
            x = F.relu(self.conv("conv%d" % (i + 1), x, 0))
            if i % 2:
                x = F.max_pool2d(x, 2)
        x = F.relu(self.linear("fc1", x.flatten(1)))
        return F.relu(self.linear("fc2", x))

    def vgg(self, x):
        for i in range(6):
            x = F.relu(self.bn("bn%d" % (i + 1), self.conv("conv%d" % (i + 1), x, 1)))
            if i % 2:
                x = F.max_pool2d(x, 2)
        return F.relu(self.linear("fc", x.flatten(1)))

    def forward(self, x):
        return self.linear("linear", self.family(2 * x - 1))


def read_pictures(folder, split="t10k"):
    with gzip.open(os.path.join(folder, split + "-images-idx3-ubyte.gz")) as f:
        images = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(os.path.join(folder, split + "-labels-idx1-ubyte.gz")) as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8).astype(np.int64)
    images = np.pad(images.astype(np.float32) / np.float32(255), ((0, 0), (0, 0), (2, 2), (2, 2)))
    return torch.from_numpy(images), torch.from_numpy(labels)
