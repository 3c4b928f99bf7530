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
                                      "cw-targeted", "ddn", "pgd", "pgd-l2"])
    p.add_argument("--pictures", type=int, default=20, help="how many (default 20)")
    p.add_argument("--batch", type=int, default=25, help="pictures attacked together (default 25)")
    p.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default 1)")
    p.add_argument("--steps", type=int, default=0, help="steps of an attack that has them")
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


def main():
    net = Classifier(ARGS.model).eval()
    images, labels = read_pictures(ARGS.data)
    with torch.no_grad():
        head = 2 * ARGS.pictures + 100
        clean = net(images[:head])
    right = torch.nonzero(clean.argmax(1) == labels[:head]).flatten()[:ARGS.pictures]
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
    torch.manual_seed(1)
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
