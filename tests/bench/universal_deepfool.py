#!/usr/bin/python3
"""The published algorithm for universal perturbations on our classifiers, to compare with
`limen-cli universal make`.

usage: universal_deepfool.py MODEL.safetensors NORM XI [--clip] [--pictures N] [--passes N]

Moosavi-Dezfooli et al. 2017, algorithm 1, with the choices of the authors: DeepFool in l2 with at
most 10 steps, overshoot 0.02 and 10 classes; its result is added when it converged before the last
step; v is projected after each addition; nothing is clipped. --clip takes everything at pictures
that are clipped to [0,1] instead. X is the first N pictures of Fashion-MNIST's training split, the
unseen ones are the first 1,000 of its test split. Prints one JSON line: the fooling ratios after
each pass, measured on clipped and unclipped pictures, and those of random vectors of equal norm.
"""
import argparse
import json
import os
import time


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("norm", choices=["l2", "linf"])
    p.add_argument("xi", type=float)
    p.add_argument("--clip", action="store_true", help="clip pictures in the loop as well")
    p.add_argument("--pictures", type=int, default=1000, help="|X| (default 1000)")
    p.add_argument("--passes", type=int, default=5, help="at most (default 5)")
    p.add_argument("--delta", type=float, default=0.2, help="stop at a ratio of 1 - delta")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default 1)")
    p.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of IDX files")
    p.add_argument("--out", help="write v as .npy")
    return p.parse_args()


ARGS = parse_arguments()
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from classifiers import Classifier, read_pictures  # noqa: E402

torch.set_num_threads(ARGS.threads)
STEPS, OVERSHOOT, CLASSES = 10, 0.02, 10


def place(x):
    return x.clamp(0, 1) if ARGS.clip else x


def project(v):
    if ARGS.norm == "linf":
        return v.clamp(-ARGS.xi, ARGS.xi)
    return v * min(1, ARGS.xi / float(v.norm()))


def deepfool(net, image):
    """The way to the other side of the boundary from image [1][c][h][w], and how many steps."""
    total = torch.zeros_like(image)
    x = image.clone()
    order, label = None, None
    for step in range(STEPS + 1):
        x = x.detach().requires_grad_(step < STEPS)
        z = net(x)[0]
        if step == 0:
            order = z.argsort(descending=True)[:CLASSES].tolist()
            label = order[0]
        if int(z.argmax()) != label or step == STEPS:
            return (1 + OVERSHOOT) * total, step
        gradient = [torch.autograd.grad(z[k], x, retain_graph=True)[0] for k in order]
        best, way = float("inf"), None
        for k, g in zip(order[1:], gradient[1:]):
            w, f = g - gradient[0], float(z[k] - z[label])
            length = float(w.norm())
            if length > 0 and abs(f) / length < best:
                best, way = abs(f) / length, w / length
        if way is None:
            return total, STEPS
        total = total + best * way
        x = place(image + (1 + OVERSHOOT) * total)


def labels(net, x):
    with torch.no_grad():
        return torch.cat([net(x[i:i + 100]).argmax(1) for i in range(0, len(x), 100)])


def fooling(net, x, own, v, clip):
    y = x + v
    return float((labels(net, y.clamp(0, 1) if clip else y) != own).float().mean())


def random_ratio(net, x, own):
    ratios = []
    for seed in range(5):
        g = torch.Generator().manual_seed(100 + seed)
        r = torch.randn(x[:1].shape, generator=g)
        r = ARGS.xi * r.sign() if ARGS.norm == "linf" else ARGS.xi * r / r.norm()
        ratios.append(fooling(net, x, own, r, True))
    return float(np.mean(ratios))


def main():
    net = Classifier(ARGS.model).eval()
    x = read_pictures(ARGS.data, "train")[0][:ARGS.pictures]
    unseen = read_pictures(ARGS.data)[0][:1000]
    own, own_unseen = labels(net, x), labels(net, unseen)
    v = torch.zeros_like(x[:1])
    passes, start = [], time.time()
    rng = np.random.RandomState(ARGS.seed)
    for _ in range(ARGS.passes):
        for i in rng.permutation(len(x)):
            y = place(x[i:i + 1] + v)
            with torch.no_grad():
                same = int(net(y).argmax()) == int(own[i])
            if same:
                way, steps = deepfool(net, y)
                if steps < STEPS - 1:
                    v = project(v + way)
        passes.append({
            "x": fooling(net, x, own, v, True), "validation": fooling(net, unseen, own_unseen, v, True),
            "x_unclipped": fooling(net, x, own, v, False),
            "validation_unclipped": fooling(net, unseen, own_unseen, v, False),
            "seconds": round(time.time() - start, 1)})
        if passes[-1]["x" if ARGS.clip else "x_unclipped"] >= 1 - ARGS.delta:
            break
    if ARGS.out:
        np.save(ARGS.out, v[0].numpy())
    print(json.dumps({
        "model": os.path.basename(ARGS.model), "norm": ARGS.norm, "xi": ARGS.xi, "clip": ARGS.clip,
        "pictures": len(x), "passes": passes, "random": random_ratio(net, unseen, own_unseen),
        "l2": float(v.norm()), "linf": float(v.abs().max()), "threads": ARGS.threads,
        "torch": torch.__version__}))


if __name__ == "__main__":
    main()
