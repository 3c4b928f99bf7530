#!/usr/bin/python3
"""Foolbox's attacks on our classifiers, to compare with `limen-cli evaluate attacks`.

usage: attacks_foolbox.py MODEL.safetensors ATTACK [--pictures N] [--threads N] [--steps N] [--out DIR]

Needs PyTorch and Foolbox 3. MODEL is a file written by `limen-cli train classifier`; the network is
built anew in PyTorch from its weights (classifiers.py). The pictures are the first N of Fashion-MNIST's test split
that it classifies rightly, 28x28 in a black frame of 32x32, in [0,1]; `limen-cli evaluate attacks`
takes the same. Prints one JSON line; --out also keeps the adversarial pictures and the logits of
the originals as .npy. A result counts as a success when the network says so of the stored float32
picture, asked alone.
"""
import argparse
import json
import os
import time


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("attack", choices=["logits", "fgsm", "deepfool", "deepfool-linf", "cw",
                                      "cw-targeted", "ddn", "pgd", "pgd-l2",
                                      "boundary", "boundary-targeted"])
    p.add_argument("--pictures", type=int, default=20, help="how many (default 20)")
    p.add_argument("--batch", type=int, default=25, help="pictures attacked together (default 25)")
    p.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default 1)")
    p.add_argument("--steps", type=int, default=0, help="steps of an attack that has them")
    p.add_argument("--queries", type=int, default=1000,
                   help="of a Boundary Attack, for each picture, its start included (default 1000)")
    p.add_argument("--first", type=int, default=0,
                   help="take pictures from this number of the test split on (default 0)")
    p.add_argument("--seed", type=int, default=1, help="of the attack (default 1)")
    p.add_argument("--epsilon", type=float, default=0.1, help="of fgsm and pgd (default 0.1)")
    p.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of IDX files")
    p.add_argument("--out", help="folder for the .npy files")
    return p.parse_args()


ARGS = parse_arguments()
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from classifiers import Classifier, read_pictures  # noqa: E402

torch.set_num_threads(ARGS.threads)


def choose_attack(fb):
    a, steps = fb.attacks, ARGS.steps
    return {
        "fgsm": lambda: a.LinfFastGradientAttack(),
        "deepfool": lambda: a.L2DeepFoolAttack(steps=steps or 50),
        "deepfool-linf": lambda: a.LinfDeepFoolAttack(steps=steps or 50),
        "cw": lambda: a.L2CarliniWagnerAttack(binary_search_steps=9, steps=steps or 1000),
        "cw-targeted": lambda: a.L2CarliniWagnerAttack(binary_search_steps=9, steps=steps or 1000),
        "ddn": lambda: a.DDNAttack(steps=steps or 100),
        "pgd": lambda: a.LinfProjectedGradientDescentAttack(steps=steps or 40),
        "pgd-l2": lambda: a.L2ProjectedGradientDescentAttack(steps=steps or 50),
    }[ARGS.attack]()


MARKS = [200, 500, 1000, 2000, 5000, 10000, 25000, 50000]


class Watched(torch.nn.Module):
    """The network; keeps, for each picture of the batch, the nearest adversarial one by queries."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.watch(None, None, None)

    def watch(self, x, y, goal, asked=0):
        self.x, self.y, self.goal, self.asked = x, y, goal, asked
        self.best = None if x is None else torch.full((len(x),), float("inf"))
        self.best_picture = None if x is None else x.clone()
        self.marks = {}

    def forward(self, p):
        z = self.net(p)
        if self.x is not None:
            said = z.argmax(1)
            fools = said == self.goal if self.goal is not None else said != self.y
            d = torch.where(fools, (p - self.x).flatten(1).norm(dim=1), torch.tensor(float("inf")))
            nearer = d < self.best
            self.best[nearer] = d[nearer]
            self.best_picture[nearer] = p[nearer].detach()
            self.asked = self.asked + 1
            for m in MARKS:  # each picture by its own count, the start included
                now = self.asked == m
                if np.any(now):
                    self.marks.setdefault(m, torch.full((len(self.x),), float("nan")))
                    self.marks[m][torch.as_tensor(now).expand(len(self.x))] = \
                        self.best[torch.as_tensor(now).expand(len(self.x))]
        return z


def walk_all(fb, net, x, y, name):
    """Foolbox's Boundary Attack on all pictures, and how far it is after how many queries."""
    targeted = ARGS.attack == "boundary-targeted"
    goal = (y + 1) % 10 if targeted else None
    watched = Watched(net).eval()
    fmodel = fb.PyTorchModel(watched, bounds=(0, 1), device="cpu")
    starts, counts, begin = [], [], time.time()
    if targeted:
        images, _ = read_pictures(ARGS.data)
        with torch.no_grad():
            said = net(images[:1000]).argmax(1)
        starts = [images[torch.nonzero(said == g)[0, 0]] for g in goal]
        counts = [1] * len(x)
    for i in range(0 if targeted else len(x)):
        watched.watch(x[i:i + 1], y[i:i + 1], None)
        init = fb.attacks.LinearSearchBlendedUniformNoiseAttack(steps=50)
        found = init.run(fmodel, x[i:i + 1], fb.criteria.Misclassification(y[i:i + 1]))
        starts.append(found.detach()[0])
        counts.append(watched.asked)
    starts, counts = torch.stack(starts), np.array(counts)
    start_seconds, curves, ends, asked = time.time() - begin, {}, [], 0
    begin, cpu = time.time(), time.process_time()
    for at in range(0, len(x), ARGS.batch):
        part = slice(at, at + ARGS.batch)
        watched.watch(x[part], y[part], goal[part] if targeted else None, counts[part].copy())
        # every tenth step asks twice; one question checks the starts
        steps = max(1, int((ARGS.queries - counts[part].min()) / 1.1))
        attack = fb.attacks.BoundaryAttack(steps=steps)
        criterion = fb.criteria.TargetedMisclassification(goal[part]) if targeted \
            else fb.criteria.Misclassification(y[part])
        attack.run(fmodel, x[part], criterion, starting_points=starts[part])
        asked += int((watched.asked - counts[part]).sum())
        for m, v in watched.marks.items():
            curves.setdefault(m, []).append(v)
        ends.append(watched.best_picture)
    seconds, cpu, adv = time.time() - begin, time.process_time() - cpu, torch.cat(ends)
    with torch.no_grad():
        says, says8 = (torch.cat([net(v[i:i + 1]) for i in range(len(v))]).argmax(1)
                       for v in (adv, torch.round(adv * 255) / 255))
    fools, fools8 = ((s == goal) if targeted else (s != y) for s in (says, says8))
    print(json.dumps({
        "model": name, "attack": ARGS.attack, "pictures": len(x), "first": ARGS.first,
        "seed": ARGS.seed, "batch": ARGS.batch, "queries": ARGS.queries,
        "success": int(fools.sum()), "success8": int(fools8.sum()),
        "start_queries": [int(np.median(counts)), int(counts.max())],
        "curve": {m: {"pictures": sum(int((~torch.isnan(v)).sum()) for v in parts),
                      "median_l2": float(np.nanmedian(torch.cat(parts).numpy()))}
                  for m, parts in sorted(curves.items())},
        "walk_queries": asked, "walk_seconds": round(seconds, 2), "walk_cpu": round(cpu, 2),
        "queries_per_second": round(asked / seconds, 1),
        "cpu_ms_per_query": round(1000 * cpu / asked, 4),
        "start_seconds": round(start_seconds, 2), "threads": ARGS.threads}))


def main():
    net = Classifier(ARGS.model).eval()
    images, labels = read_pictures(ARGS.data)
    with torch.no_grad():
        head = ARGS.first + 2 * ARGS.pictures + 100
        clean = net(images[:head])
    right = torch.nonzero(clean.argmax(1) == labels[:head]).flatten()
    right = right[right >= ARGS.first][:ARGS.pictures]
    x, y, clean = images[right], labels[right], clean[right]
    name = os.path.basename(ARGS.model).split(".")[0]
    if ARGS.out:
        os.makedirs(ARGS.out, exist_ok=True)
        np.save(os.path.join(ARGS.out, name + "-logits.npy"), clean.numpy())
    if ARGS.attack == "logits":
        return
    import foolbox as fb
    fmodel = fb.PyTorchModel(net, bounds=(0, 1), device="cpu")
    goal = (y + 1) % 10 if ARGS.attack == "cw-targeted" else None
    bounded = ARGS.attack in ("fgsm", "pgd", "pgd-l2")
    torch.manual_seed(ARGS.seed)
    np.random.seed(ARGS.seed)
    if ARGS.attack.startswith("boundary"):
        walk_all(fb, net, x, y, name)
        return
    attack, parts, start = choose_attack(fb), [], time.time()
    for at in range(0, len(x), ARGS.batch):
        part = slice(at, at + ARGS.batch)
        criterion = fb.criteria.TargetedMisclassification(goal[part]) if goal is not None \
            else fb.criteria.Misclassification(y[part])
        parts.append(attack(fmodel, x[part], criterion,
                            epsilons=ARGS.epsilon if bounded else None)[1].detach())
    seconds = time.time() - start
    adv = torch.cat(parts)
    with torch.no_grad():
        says = torch.cat([net(adv[i:i + 1]) for i in range(len(adv))]).argmax(1)
        rounded = torch.round(adv * 255) / 255
        says8 = torch.cat([net(rounded[i:i + 1]) for i in range(len(adv))]).argmax(1)
    fools = says == goal if goal is not None else says != y
    fools8 = says8 == goal if goal is not None else says8 != y
    l2 = (adv - x).double().flatten(1).norm(dim=1)
    linf = (adv - x).double().flatten(1).abs().max(1).values
    if ARGS.out:
        np.save(os.path.join(ARGS.out, "%s-%s.npy" % (name, ARGS.attack)), adv.numpy())
    median = lambda v: float(np.median(v[fools].numpy())) if fools.any() else None  # noqa: E731
    print(json.dumps({
        "model": name, "attack": ARGS.attack, "pictures": len(x), "foolbox": fb.__version__,
        "torch": torch.__version__, "success": int(fools.sum()), "success8": int(fools8.sum()),
        "median_l2": median(l2), "median_linf": median(linf), "mean_l2": float(l2[fools].mean()),
        "seconds": round(seconds, 1), "threads": ARGS.threads, "last": int(right[-1])}))


if __name__ == "__main__":
    main()
