#!/usr/bin/python3
"""An oracle for limen: the class of Fashion-MNIST whose mean picture is nearest.

usage: nearest-mean.py [FOLDER of the IDX files]

Replace classify() by a model of your own. The protocol is described in engine/attacks/oracle.h and
in the README.
"""
import gzip
import os
import struct
import sys

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist"
PICTURES = 1000


def mean_pictures():
    with gzip.open(os.path.join(FOLDER, "train-images-idx3-ubyte.gz")) as f:
        pixels = f.read(16 + PICTURES * 784)[16:]
    with gzip.open(os.path.join(FOLDER, "train-labels-idx1-ubyte.gz")) as f:
        labels = f.read(8 + PICTURES)[8:]
    means = []
    for k in range(10):
        mine = [pixels[i * 784:(i + 1) * 784] for i in range(PICTURES) if labels[i] == k]
        means.append([sum(column) / (255 * len(mine)) for column in zip(*mine)])
    return means


def classify(values, height, width, means):
    """values: height x width numbers in [0,1], 28 x 28 of them in a black frame."""
    top, left = (height - 28) // 2, (width - 28) // 2
    inner = [v for y in range(28)
             for v in values[(top + y) * width + left:(top + y) * width + left + 28]]
    distances = [sum((a - b) ** 2 for a, b in zip(inner, mean)) for mean in means]
    return distances.index(min(distances))


def main():
    hello = sys.stdin.readline().split()
    if hello[:2] != ["limen-oracle", "1"]:
        sys.exit("this oracle speaks version 1 of the protocol")
    channels, height, width = map(int, hello[2:5])
    if channels != 1 or height < 28 or width < 28:
        sys.exit("this oracle knows grey pictures of 28 x 28 pixels or more")
    means = mean_pictures()
    print("ready 10 floats", flush=True)
    unpack = struct.Struct(">%df" % (height * width)).unpack
    for line in sys.stdin:
        print(classify(unpack(bytes.fromhex(line.strip())), height, width, means), flush=True)


if __name__ == "__main__":
    main()
