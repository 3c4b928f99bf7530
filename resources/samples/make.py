#!/usr/bin/python3
"""Makes fashion-mnist/ beside this file: the first 20 test pictures of each class of Fashion-MNIST, in
turn (class 0, 1, ..., 9, 0, 1, ...), so that the window has pictures without the data set's package.

usage: make.py [FOLDER WITH t10k-images-idx3-ubyte.gz AND t10k-labels-idx1-ubyte.gz]
"""
import gzip
import pathlib
import struct
import sys

EACH = 20
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
           "Ankle boot"]

source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist")
target = pathlib.Path(__file__).resolve().parent / "fashion-mnist"
images = gzip.decompress((source / "t10k-images-idx3-ubyte.gz").read_bytes())
labels = gzip.decompress((source / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
_, count, h, w = struct.unpack(">4I", images[:16])
assert count == len(labels)

of_class = [[i for i in range(count) if labels[i] == k][:EACH] for k in range(len(CLASSES))]
chosen = [of_class[k][i] for i in range(EACH) for k in range(len(CLASSES))]
pictures = b"".join(images[16 + i * h * w:16 + (i + 1) * h * w] for i in chosen)


def write(name, head, body):
    (target / name).write_bytes(gzip.compress(head + body, 9, mtime=0))


target.mkdir(exist_ok=True)
write("sample-images-idx3-ubyte.gz", struct.pack(">4I", 0x803, len(chosen), h, w), pictures)
write("sample-labels-idx1-ubyte.gz", struct.pack(">2I", 0x801, len(chosen)),
      bytes(labels[i] for i in chosen))
(target / "classes.txt").write_text("".join(name + "\n" for name in CLASSES))
