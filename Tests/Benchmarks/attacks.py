"""Whole attacks in ltd against the official PyTorch code, as whole processes that time themselves in turn."""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from workers import HERE, ROOT, Failure

DATA = os.environ.get("LTD_DATA", os.path.join(ROOT, "../shared/data"))
VECTORS = os.environ.get("LTD_VECTORS", os.path.join(ROOT, "../shared/reference/vectors"))


@dataclass
class Network:
    """A trained network, by the file of its weights, with the images that it is for."""

    weights: str
    images: str
    data: str
    eps: float


FGSM = Network(f"{VECTORS}/models/fgsm.pth", f'mnist("{DATA}/mnist")[1]', "mnist", 0.3)
NETWORKS = {
    "fgsm": FGSM,
    "trades": Network(f"{DATA}/checkpoints/trades_mnist_smallcnn.pt", FGSM.images, "mnist", 0.3),
    "robust_wrn_10_1": Network(
        f"{VECTORS}/models/robust_wrn_10_1.pt", f'cifar10("{DATA}/cifar-10-batches-bin", train=10000)[1]', "cifar10", 8 / 255),
}


@dataclass
class Case:
    network: str
    images: int
    # The attack in the language; None for what has no call yet.
    ours: str
    # What it is compared with: the names of torch_attacks.py; the fastest is the rival.
    theirs: tuple
    # The radius in L2 of attacks that look for the nearest image; else that of the network, in Linf.
    radius: float = None


STANDARD = 'autoattack(version="standard", compat="auto-attack", seed=0)'
CASES = {
    "autoattack.fgsm": Case("fgsm", 1000, STANDARD, ("autoattack.standard",)),
    "autoattack.trades": Case("trades", 1000, STANDARD, ("autoattack.standard",)),
    "autoattack.robust_wrn_10_1": Case("robust_wrn_10_1", 300, STANDARD, ("autoattack.standard",)),
    "attack.pgd": Case(
        "fgsm", 250, "pgd(steps=40, step_size=0.01)", ("torchattacks.pgd", "foolbox.pgd")),
    "attack.apgd_ce": Case("fgsm", 250, 'apgd(loss="ce")', ("autoattack.apgd-ce", "torchattacks.apgd")),
    "attack.apgd_t": Case("fgsm", 250, "apgd_t()", ("autoattack.apgd-t",)),
    "attack.fab_t": Case("fgsm", 250, "fab_t()", ("autoattack.fab-t",)),
    "attack.square": Case("fgsm", 250, "square()", ("autoattack.square",)),
    "attack.cw": Case("fgsm", 250, "cw(c=1, steps=50, search_steps=0, shrink=1)", ("torchattacks.cw",), 2.0),
    "attack.deepfool": Case("fgsm", 250, "deepfool()", ("torchattacks.deepfool", "foolbox.deepfool"), 2.0),
}


def measure(name, ltd, threads, options):
    """The row of a case; None, with a line that says why, where one side is not there."""
    case = CASES[name]
    network = NETWORKS[case.network]
    for path in (network.weights, DATA):
        if not os.path.exists(path):
            print(f"{name}: left out, there is no {path} (LTD_DATA and LTD_VECTORS say where files are)", flush=True)
            return None
    images = options.images or case.images
    pairs = options.pairs or 1
    ours, theirs = [], {rival: [] for rival in case.theirs}
    for turn in range(pairs):
        sides = ["ltd", *theirs]
        for side in sides if turn % 2 == 0 else reversed(sides):
            if side == "ltd":
                ours.append(_ours(ltd, case, network, images, threads))
                if ours[-1] is None:
                    print(f"{name}: left out, {case.ours} is not built yet", flush=True)
                    return None
            elif side in theirs:
                found = _theirs(side, case, network, images, threads, options.autoattack)
                if "missing" in found:
                    print(f"{name}: without {side}, {found['missing']}", file=sys.stderr, flush=True)
                    del theirs[side]
                else:
                    theirs[side].append(found)
    row = {"name": name, "threads": threads, "images": images, "pairs": pairs,
           "ours_ms": _median(ours), "ours_robust": ours[0]["robust"]}
    if not theirs:
        print(f"{name}: nothing to compare with; ltd takes {row['ours_ms'] / 1000:.1f} s, "
              f"{row['ours_robust']} of {images} robust", flush=True)
        return None
    # The rival is the fastest of them.
    rival = min(theirs, key=lambda side: _median(theirs[side]))
    row |= {
        "theirs_ms": _median(theirs[rival]), "theirs_robust": theirs[rival][0]["robust"],
        "ratio": round(statistics.median(b["ms"] / a["ms"] for a, b in zip(ours, theirs[rival])), 3),
        "rival": theirs[rival][0]["code"],
        "others": [{"code": runs[0]["code"], "ms": _median(runs), "robust": runs[0]["robust"]}
                   for side, runs in theirs.items() if side != rival]}
    return row


def _median(runs):
    return round(statistics.median(run["ms"] for run in runs), 2)


def _ours(ltd, case, network, images, threads):
    """What the program takes for a call of evaluate, without its start and the reading of files."""
    attack, eps = case.ours, case.radius or network.eps
    lines = [
        f'model = load_model("{network.weights}")', f"images = {network.images}.take({images})",
        "begin = clock()",
        f"result = evaluate(model, images, attacks={attack}, eps={eps!r}, batch=250)",
        "print([clock() - begin, result.worst_case * len(images)])"]
    done = subprocess.run(
        [ltd, "--threads", str(threads), "-e", "\n".join(lines)], capture_output=True, text=True)
    if done.returncode != 0:
        # The call, or one of its arguments, is not there yet; or the name is that of something else.
        if any(words in done.stderr for words in ("there is no function", "has no argument", "needs the argument")):
            return None
        raise Failure(f"ltd: {attack}:\n{done.stderr.strip()}")
    seconds, robust = json.loads(done.stdout.strip().splitlines()[-1])
    return {"ms": seconds * 1000, "robust": round(robust)}


def _theirs(side, case, network, images, threads, autoattack):
    request = {
        "attack": side, "network": case.network, "weights": network.weights, "data": network.data,
        "folder": DATA, "eps": case.radius or network.eps, "l2": bool(case.radius), "images": images, "threads": threads, "autoattack": autoattack}
    done = subprocess.run(
        [sys.executable, os.path.join(HERE, "torch_attacks.py"), json.dumps(request)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{side}:\n{done.stderr.strip()[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
