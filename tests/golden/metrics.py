#!/usr/bin/python3
"""Golden values of engine/metrics, by numpy from the formulas of the papers, in float64.

usage: metrics.py            write metrics.safetensors beside this script
       metrics.py --check    compute again and compare with the file (exit code 1 if they differ)

Inputs are float32 ("real", "samples": features; "probability"), labels int32; results are float64.
Two sets of features: real ones correlated and skewed, samples shifted, fewer, with duplicates, and
with some that equal real ones (so that ties of closed and open balls are in the data).
"""
import json
import os
import struct
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(HERE, "metrics.safetensors")
DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}


def frechet(a, b):
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # The eigenvalues of a product of two semidefinite matrices are real and not negative.
    root = np.sqrt(np.maximum(np.linalg.eigvals(s1 @ s2).real, 0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * root


def distances(a, b):
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(2))


def radii(a, k):
    d = distances(a, a)
    np.fill_diagonal(d, np.inf)
    return np.sort(d, 1)[:, k - 1]


def precision_recall(real, samples, k=3):
    d = distances(real, samples)
    return ((d <= radii(real, k)[:, None]).any(0).mean(),
            (d <= radii(samples, k)[None, :]).any(1).mean())


def density_coverage(real, samples, k=5):
    inside = distances(real, samples) < radii(real, k)[:, None]
    return inside.sum() / (k * len(samples)), inside.any(1).mean()


def inception(p, splits=10):
    scores = []
    for part in np.array_split(p, splits):
        marginal = part.mean(0, keepdims=True)
        terms = np.where(part > 0, part * (np.log(np.maximum(part, 1e-300)) - np.log(marginal)), 0)
        scores.append(np.exp(terms.sum(1).mean()))
    return np.mean(scores), np.std(scores, ddof=1)


def variety(x, label):
    means = []
    for k in np.unique(label):
        d = distances(x[label == k], x[label == k])
        n = len(d)
        means.append(d.sum() / (n * (n - 1)))
    return np.array(means), np.mean(means)


def mean_iou(truth, predicted, classes):
    """Per class: pixels in both over pixels in either; NaN where there are none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.array([((truth == k) & (predicted == k)).sum() /
                         ((truth == k) | (predicted == k)).sum().astype(np.float64)
                         for k in range(classes)])
    return each, np.nanmean(each)


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def average_precision(found, truth, label, threshold=0.5):
    """Rows of found: picture, label, score, box; of truth: picture, label, box. Both kinds."""
    wanted = [row for row in truth if row[1] == label]
    free = {i: True for i in range(len(wanted))}
    rows = [row for row in found if row[1] == label]
    hits = []
    for row in sorted(rows, key=lambda r: -r[2]):  # stable: the earlier of equals first
        near = [(overlap(row[3:], w[2:]), -i) for i, w in enumerate(wanted) if w[0] == row[0]]
        o, i = max(near, default=(0, 0))
        hits.append(o >= threshold and free[-i])
        if hits[-1]:
            free[-i] = False
    right = np.cumsum(hits)
    recall, precision = right / len(wanted), right / np.arange(1, len(hits) + 1)
    eleven = np.mean([max(precision[recall >= k / 10], default=0) for k in range(11)])
    edges = np.unique(np.append(recall, 0))  # area of the upper envelope, step by step
    area = sum((b - a) * max(precision[recall >= b]) for a, b in zip(edges, edges[1:]))
    return area, eleven


def detections(random):
    """40 pictures: true boxes, shifted copies, doubles, boxes of other classes, equal scores."""
    truth, found = [], []
    for picture in range(40):
        for _ in range(random.randint(0, 4)):
            x, y, w, h = random.uniform(0, 40), random.uniform(0, 40), *random.uniform(8, 24, 2)
            label = random.randint(1, 5)
            truth.append([picture, label, x, y, x + w, y + h])
            for _ in range(random.randint(0, 3)):
                dx, dy = random.normal(0, 3, 2)
                found.append([picture, label if random.uniform() < 0.8 else random.randint(1, 6),
                              round(random.uniform(), 1), x + dx, y + dy, x + w + dx, y + h + dy])
    return np.array(found, np.float32), np.array(truth, np.float32)


def make():
    random = np.random.RandomState(20)
    real = np.maximum(random.standard_normal((300, 24)) @ random.standard_normal((24, 24)), 0)
    samples = np.maximum(
        0.9 * random.standard_normal((230, 24)) @ random.standard_normal((24, 24)) + 9, 0)
    samples[:40] = 0.9 * real[:40] + 0.1 * real[60:100]
    samples[200:215] = samples[0]  # fewer pictures than samples: radii of 0
    samples[215:230] = real[:15]
    real[299] = real[298]
    real, samples = real.astype(np.float32), samples.astype(np.float32)
    logits = random.standard_normal((400, 7)) * 3
    p = np.exp(logits - logits.max(1, keepdims=True))
    p = (p / p.sum(1, keepdims=True)).astype(np.float32)
    p[5] = [0, 0, 1, 0, 0, 0, 0]  # 0 log 0
    label = (np.arange(230) * 7 % 3).astype(np.int32)
    r, s, q = real.astype(np.float64), samples.astype(np.float64), p.astype(np.float64)
    precision, recall = precision_recall(r, s)
    density, coverage = density_coverage(r, s)
    score, deviation = inception(q)
    means, mean = variety(s, label)
    symmetric = random.standard_normal((17, 17))
    symmetric = symmetric + symmetric.T
    flat = np.cov(random.standard_normal((6, 17)), rowvar=False)  # rank 5
    mask = random.randint(0, 5, (2, 900)).astype(np.int32)
    mask[1][random.uniform(size=900) < 0.6] = mask[0][random.uniform(size=900) < 0.6][0]
    mask[1] = np.where(random.uniform(size=900) < 0.5, mask[0], mask[1])
    each, all_classes = mean_iou(mask[0], mask[1], 6)  # nothing has the last class
    found, truth = detections(random)
    f, t = found.astype(np.float64), truth.astype(np.float64)
    areas = np.array([average_precision(f, t, k) for k in range(1, 5)])
    return {
        "mask": mask, "iou": np.append(each[:5], all_classes), "found": found, "truth": truth,
        "precision.each": areas[:, 0], "precision.eleven": areas[:, 1],
        "real": real, "samples": samples, "probability": p, "label": label,
        "frechet": np.array([frechet(s, r)]),
        "precision": np.array([precision]), "recall": np.array([recall]),
        "density": np.array([density]), "coverage": np.array([coverage]),
        "inception": np.array([score, deviation]),
        "variety": np.append(means, mean),
        "symmetric": symmetric, "symmetric.values": np.linalg.eigvalsh(symmetric),
        "flat": flat, "flat.values": np.linalg.eigvalsh(flat),
    }


def write(tensors):
    header, blobs, offset = {}, [], 0
    for name, a in tensors.items():
        a = np.ascontiguousarray(a)
        header[name] = {"dtype": DTYPES[a.dtype.name], "shape": list(a.shape),
                        "data_offsets": [offset, offset + a.nbytes]}
        blobs.append(a.tobytes())
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(PATH, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def check(tensors):
    with open(PATH, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header, good = json.loads(data[8:8 + size]), True
    for name, a in tensors.items():
        start, end = header[name]["data_offsets"]
        have = np.frombuffer(data[8 + size + start:8 + size + end], a.dtype).reshape(a.shape)
        if not np.allclose(have, a, rtol=1e-9, atol=1e-12):
            print(f"{name} differs from the stored file")
            good = False
    return good


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if check(make()) else 1)
    write(make())
