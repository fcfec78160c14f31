"""Learning curves of ltd beside PyTorch's, for the same settings from the same first weights. Usage:

    python Tests/Agreement/curves.py LTD DATA [SEEDS]

SmallCNN of width 16 on the first 4,000 images of Fashion-MNIST (eps 0.1, five epochs) and 8,000 of CIFAR-10 (eps 4/255,
eight epochs), by PGD-AT and TRADES: SGD 0.05 with momentum 0.9, batches of 64, five steps of the attack;
after each epoch the accuracy of 1,000 test images, as they are and under the same attack on the cross-entropy. Order,
dropout and starts are drawn otherwise, so that curves agree within the spread of seeds. DATA has the folders
fashion-mnist and cifar-10-batches-bin.
"""
import gzip
import json
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

torch.set_num_threads(1)
ltd, data, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3
batch, lr, attack_steps, n_test = 64, 0.05, 5, 1000


def fashion(part, n):
    images = gzip.open(f"{data}/fashion-mnist/{part}-images-idx3-ubyte.gz").read()
    labels = gzip.open(f"{data}/fashion-mnist/{part}-labels-idx1-ubyte.gz").read()
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:n]
    return torch.tensor(x / np.float32(255)), torch.tensor(np.frombuffer(labels, np.uint8, offset=8)[:n].astype(np.int64))


def cifar(part, n):
    name = "data_batch_1" if part == "train" else "test_batch"
    rows = np.fromfile(f"{data}/cifar-10-batches-bin/{name}.bin", np.uint8).reshape(-1, 3073)[:n]
    return torch.tensor(rows[:, 1:].reshape(-1, 3, 32, 32) / np.float32(255)), torch.tensor(rows[:, 0].astype(np.int64))


class SmallCNN(nn.Module):
    def __init__(self, channels, side):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        size = 32 * (((side - 4) // 2 - 4) // 2) ** 2
        self.classifier = nn.Sequential(
            nn.Linear(size, 200), nn.ReLU(), nn.Dropout(0.5), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def attacked(model, x, objective, start, eps):
    model.eval()
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    moved = torch.max(torch.min(x + start, high), low)
    for _ in range(attack_steps):
        moved = moved.detach().requires_grad_()
        slope = torch.autograd.grad(objective(model(moved)), moved)[0]
        moved = torch.max(torch.min(moved.detach() + eps / 4 * slope.sign(), high), low)
    return moved.detach()


def uniform(x, eps):
    return torch.empty_like(x).uniform_(-eps, eps)


def divergence(p, q):
    logs = F.log_softmax(p, 1)
    return (logs.exp() * (logs - F.log_softmax(q, 1))).sum(1)


def by_torch(first, method, train, test, eps, epochs, seed):
    torch.manual_seed(seed)
    (x, y), (tx, ty) = train, test
    model = SmallCNN(x.shape[1], x.shape[2])
    with torch.no_grad():
        # Both have the same layers in the same order.
        for own, given in zip(model.parameters(), first):
            own.copy_(given)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    curve = []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            images, labels = x[rows], y[rows]
            if method == "trades":
                model.eval()
                with torch.no_grad():
                    z = model(images)
                moved = attacked(
                    model, images, lambda q: divergence(z, q).sum(), 0.001 * torch.randn_like(images), eps)
                model.train()
                z = model(images)
                loss = F.cross_entropy(z, labels) + 6 * divergence(z, model(moved)).mean()
            else:
                moved = attacked(
                    model, images, lambda q: F.cross_entropy(q, labels, reduction="sum"), uniform(images, eps), eps)
                model.train()
                loss = F.cross_entropy(model(moved), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        moved = attacked(model, tx, lambda q: F.cross_entropy(q, ty, reduction="sum"), uniform(tx, eps), eps)
        model.eval()
        with torch.no_grad():
            natural = model(tx).argmax(1) == ty
            curve.append((natural.float().mean().item(), (natural & (model(moved).argmax(1) == ty)).float().mean().item()))
    return np.array(curve)


def by_ltd(reader, network, method, eps, epochs, seed, file):
    program = f"""
train, test = {reader}
net = {network}
save_model(net, "{file}")
r = fit(net, train, method={method}(), attack=pgd(eps={eps!r}, step_size={eps / 4!r}, steps={attack_steps}),
  epochs={epochs}, batch={batch}, lr={lr}, seed={seed}, validation=test, quiet=true)
print(to_json([[e.validation_natural, e.validation_robust] for e in r.epochs]))
"""
    out = subprocess.run([ltd, "--threads", "1", "-e", program], capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    return np.array(json.loads(out.stdout.splitlines()[-1]))


for name, read, reader, network, eps, n_train, epochs in [
    ("Fashion-MNIST", fashion, f'fashion_mnist("{data}/fashion-mnist"', "smallcnn(width=16, seed={})", 0.1, 4000, 5),
    ("CIFAR-10", cifar, f'cifar10("{data}/cifar-10-batches-bin"', "smallcnn(channels=3, size=32, width=16, seed={})",
     4 / 255, 8000, 8),
]:
    reader += f", train={n_train}, test={n_test})"
    train, test = read("train", n_train), read("test" if read is cifar else "t10k", n_test)
    for method in ["pgd_at", "trades"]:
        ours, theirs = [], []
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                file = folder + "/first.safetensors"
                ours.append(by_ltd(reader, network.format(seed), method, eps, epochs, seed, file))
                first = load_file(file)
            theirs.append(by_torch(list(first.values()), method, train, test, eps, epochs, seed))
        for place, what in enumerate(["natural", "robust"]):
            for label, curves in [("ltd", ours), ("PyTorch", theirs)]:
                curves = np.array(curves)[:, :, place] * 100
                text = "  ".join(f"{m:5.1f} ± {s:3.1f}" for m, s in zip(curves.mean(0), curves.std(0, ddof=1)))
                print(f"{name}, {method}, {what:7s}, {label:7s}  {text}", flush=True)
