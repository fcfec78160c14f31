"""PyTorch's side of whole attacks: one attack of the official code in a process of its own.

`torch_attacks.py REQUEST`, REQUEST as attacks.py writes it. Prints one line of JSON: milliseconds, how many images
remain robust, and the code that ran; or what is missing. The networks are ordinary modules in evaluation mode on
contiguous NCHW images, as AutoAttack is run. A short trial with its batch tells which of trainable and frozen weights is
faster, and that is taken.
"""

import gzip
import importlib
import importlib.metadata
import json
import os
import sys
import time

import torch
import torch.nn.functional as F
from networks import SmallCNN, WideResNet, mnist_net

BATCH = 250


NETWORKS = {"fgsm": mnist_net, "trades": SmallCNN, "robust_wrn_10_1": lambda: WideResNet(10, 1)}


def network(name, path):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = NETWORKS[name]()
    # Published code names the layers of a Sequential otherwise; their order is the same.
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)))
    return model.eval()


def test_images(data, folder, count):
    if data == "mnist":
        with gzip.open(f"{folder}/mnist/t10k-images-idx3-ubyte.gz") as file:
            pixels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)[16:].view(-1, 1, 28, 28)
        with gzip.open(f"{folder}/mnist/t10k-labels-idx1-ubyte.gz") as file:
            labels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)[8:]
    else:
        with open(f"{folder}/cifar-10-batches-bin/test_batch.bin", "rb") as file:
            rows = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).view(-1, 3073)
        labels, pixels = rows[:, 0], rows[:, 1:].reshape(-1, 3, 32, 32)
    return pixels[:count].float().div(255), labels[:count].long()


def freeze_if_faster(model, images, labels):
    """Trainable or frozen weights, whichever gives the faster gradient of a batch of images."""
    times = {True: [], False: []}
    for turn in range(10):
        for trainable in times:
            model.requires_grad_(trainable)
            x = images[:BATCH].clone().requires_grad_(True)
            start = time.perf_counter()
            torch.autograd.grad(F.cross_entropy(model(x), labels[:BATCH], reduction="sum"), x)
            times[trainable].append(time.perf_counter() - start)
    trainable = min(times[True]) < min(times[False])
    model.requires_grad_(trainable)
    return "trainable" if trainable else "frozen"


def official(path):
    """The official AutoAttack, with what it is called."""
    if path:
        sys.path.insert(0, os.path.abspath(path))
        return importlib.import_module("autoattack").AutoAttack, "auto-attack"
    version = importlib.metadata.version("pyautoattack")
    return importlib.import_module("pyautoattack").AutoAttack, f"pyautoattack {version}"


def with_autoattack(request, model, name):
    AutoAttack, code = official(request["autoattack"])
    attack = AutoAttack(model, norm="Linf", eps=request["eps"], seed=0, version="standard", verbose=False, device="cpu")
    if name != "standard":
        # One part, with the settings of the standard version.
        attack.attacks_to_run = [name]
    return lambda x, y: attack.run_standard_evaluation(x, y, bs=BATCH), f"{code} {name}"


def on_recognised(model, attack):
    """Attacks the images that the network recognises, in batches, as the official code and ltd do."""

    def run(x, y):
        with torch.no_grad():
            right = torch.cat([model(part).argmax(1) for part in x.split(BATCH)]) == y
        result = x.clone()
        rows = right.nonzero().squeeze(1)
        for part in rows.split(BATCH):
            result[part] = attack(x[part], y[part]).detach()
        return result

    return run


def with_torchattacks(request, model, name):
    import torchattacks
    eps = request["eps"]
    attack = {
        "pgd": lambda: torchattacks.PGD(model, eps=eps, alpha=0.01, steps=40, random_start=True),
        "apgd": lambda: torchattacks.APGD(model, eps=eps, steps=100, n_restarts=1, seed=0, loss="ce"),
        "cw": lambda: torchattacks.CW(model, c=1, kappa=0, steps=50, lr=0.01),
        "deepfool": lambda: torchattacks.DeepFool(model, steps=50, overshoot=0.02),
    }[name]()
    return on_recognised(model, attack), f"torchattacks {torchattacks.__version__} {name}"


def with_foolbox(request, model, name):
    import foolbox
    eps = request["eps"]
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
    attack, radius = {
        "pgd": lambda: (foolbox.attacks.LinfPGD(abs_stepsize=0.01, steps=40, random_start=True), eps),
        "deepfool": lambda: (foolbox.attacks.L2DeepFoolAttack(steps=50, candidates=10, overshoot=0.02), None),
    }[name]()
    run = on_recognised(model, lambda x, y: attack(wrapped, x, y, epsilons=radius)[1])
    return run, f"foolbox {foolbox.__version__} {name}"


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    package, name = request["attack"].split(".")
    model = network(request["network"], request["weights"])
    images, labels = test_images(request["data"], request["folder"], request["images"])
    try:
        run, code = {
            "autoattack": with_autoattack, "torchattacks": with_torchattacks, "foolbox": with_foolbox,
        }[package](request, model, name)
    except ImportError as error:
        hint = "pip install pyautoattack, or --autoattack PATH of a checkout" if package == "autoattack" else (
            f"pip install {package}")
        print(json.dumps({"missing": f"which does not import ({error}): {hint}"}))
        return
    weights = freeze_if_faster(model, images, labels)
    start = time.perf_counter()
    adversarial = run(images, labels)
    with torch.no_grad():
        predictions = torch.cat([model(part).argmax(1) for part in adversarial.split(BATCH)])
    milliseconds = (time.perf_counter() - start) * 1000
    # An image that the attack broke within the radius, or that was wrong from the start, is not robust.
    broken = predictions != labels
    if request["l2"]:
        distances = (adversarial - images).flatten(1).norm(dim=1)
        broken &= distances <= request["eps"]
    robust = len(labels) - int(broken.sum())
    print(json.dumps({"ms": milliseconds, "robust": robust, "code": f"{code}, weights {weights}"}))


main()
