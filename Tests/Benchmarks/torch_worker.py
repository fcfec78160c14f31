"""PyTorch's side of the benchmarks: answers the same requests as ltd-bench (Worker/Main.swift), in PyTorch's fastest
settings on a CPU: eager, channels last, no gradients of weights where none are needed, fused optimiser.

    check CASE FILE     compares with what ltd-bench wrote: the greatest relative difference (L2)
"""

import glob
import json
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F
from networks import NETWORKS

EPS, STEP, STEPS = 8 / 255, 2 / 255, 10


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    types = {"F32": torch.float32, "I64": torch.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(data, dtype=torch.uint8)[begin:end].clone().view(types[entry["dtype"]])
            tensors[name] = flat.view(entry["shape"])
    return tensors


def spread(count):
    """Numbers in [0, 1) that both sides make."""
    return ((torch.arange(count) * 2654435761 % 2**32) >> 8).float() * 2.0**-24


class NetworkWorkload:
    def __init__(self, name, batch, folder, dropout):
        make, shape, classes, standard = NETWORKS[name]
        batch = batch or standard
        self.model = make() if dropout or name != "smallcnn" else make(dropout=0)
        self.model.load_state_dict(read_safetensors(f"{folder}/{name}.safetensors"))
        self.model = self.model.to(memory_format=torch.channels_last)
        pixels = batch * shape[0] * shape[1] * shape[2]
        self.images = spread(pixels).view(batch, *shape).contiguous(memory_format=torch.channels_last)
        self.labels = torch.arange(batch) * 7 % classes
        self.optimiser = torch.optim.SGD(
            self.model.parameters(), lr=0.001, momentum=0.9, weight_decay=5e-4, fused=True)

    def run(self, part):
        if part == "forward":
            return self.forward()
        if part in ("inputgrad", "inputgrad.eval", "inputgrad.train"):
            self.prepare(part == "inputgrad.train", frozen=True)
            return self.input_gradient(self.images)
        if part == "train":
            return self.train(self.images)
        if part in ("pgd10", "pgd10.eval"):
            noise = torch.empty_like(self.images).uniform_(-EPS, EPS)
            return self.train(self.attack(part == "pgd10", (self.images + noise).clamp_(0, 1)))
        raise ValueError(f"networks cannot do {part}")

    def results(self, part):
        if part == "forward":
            return {"logits": self.forward()}
        if part.startswith("inputgrad"):
            return {"gradient": self.run(part)}
        if part == "train":
            loss = self.loss(self.images)
            gradients = {f"gradient.{name}": p.grad for name, p in self.model.named_parameters()}
            return {"loss": loss, **gradients}
        return {"loss": self.loss(self.attack(part == "pgd10", self.images))}

    def prepare(self, training, frozen):
        self.model.train(training)
        self.model.requires_grad_(not frozen)

    def forward(self):
        self.model.eval()
        with torch.inference_mode():
            return self.model(self.images)

    def input_gradient(self, images):
        x = images.detach().requires_grad_(True)
        loss = F.cross_entropy(self.model(x), self.labels, reduction="sum")
        return torch.autograd.grad(loss, x)[0]

    def attack(self, training, x):
        self.prepare(training, frozen=True)
        low, high = (self.images - EPS).clamp_(min=0), (self.images + EPS).clamp_(max=1)
        for _ in range(STEPS):
            gradient = self.input_gradient(x)
            x = x.add(gradient.sign_(), alpha=STEP).clamp_(low, high)
        return x

    def loss(self, images):
        self.prepare(True, frozen=False)
        self.optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(images), self.labels)
        loss.backward()
        return loss.detach()

    def train(self, images):
        loss = self.loss(images)
        self.optimiser.step()
        return loss.item()


class StepWorkload:
    """Two whole steps of training, as Worker/StepWorkload.swift says; AWP as its authors have it, with a copy of the model."""

    def __init__(self, words, folder):
        name, self.method = words
        make, shape, classes, _ = NETWORKS[name]

        def model(weights):
            made = make()
            if weights:
                made.load_state_dict(read_safetensors(f"{folder}/{name}.safetensors"))
            return made.to(memory_format=torch.channels_last)

        self.model = model(True)
        self.proxy = model(True) if self.method == "trades_awp" else None
        self.teacher = model(False).eval().requires_grad_(False) if self.method == "ltd" else None
        self.data = spread(256 * shape[0] * shape[1] * shape[2]).view(256, *shape)
        self.labels = torch.arange(256) * 7 % classes
        self.optimiser = torch.optim.SGD(
            self.model.parameters(), lr=0.001, momentum=0.9, weight_decay=5e-4, fused=True)
        self.average = [p.detach().clone() for p in self.model.parameters()]

    def augmented(self, order):
        images, side = F.pad(self.data[order], (4, 4, 4, 4)), self.data.shape[-1]
        rows, columns = torch.randint(0, 9, (2, 128)).tolist()
        flips = torch.rand(128).tolist()
        cut = [x[:, r : r + side, c : c + side] for x, r, c in zip(images, rows, columns)]
        batch = torch.stack([x.flip(2) if f < 0.5 else x for x, f in zip(cut, flips)])
        return batch.contiguous(memory_format=torch.channels_last), self.labels[order]

    def attack(self, images, labels):
        self.model.eval().requires_grad_(False)
        low, high = (images - EPS).clamp_(min=0), (images + EPS).clamp_(max=1)
        if self.method == "pgd_at":
            x = (images + torch.empty_like(images).uniform_(-EPS, EPS)).clamp_(0, 1)
        else:
            x = images + 0.001 * torch.randn_like(images)
            with torch.inference_mode():
                clean = self.model(images).softmax(1)
            clean = clean.clone()
        for _ in range(STEPS):
            x = x.detach().requires_grad_(True)
            if self.method == "pgd_at":
                loss = F.cross_entropy(self.model(x), labels, reduction="sum")
            else:
                loss = F.kl_div(self.model(x).log_softmax(1), clean, reduction="sum")
            x = x.detach().add(torch.autograd.grad(loss, x)[0].sign_(), alpha=STEP).clamp_(low, high)
        return x

    def loss(self, model, images, adversarial, labels, soft):
        if self.method == "pgd_at":
            return F.cross_entropy(model(adversarial), labels)
        logits, other = model(images), model(adversarial)
        p = logits.log_softmax(1)
        divergence = F.kl_div(other.log_softmax(1), p, reduction="batchmean", log_target=True)
        return F.cross_entropy(logits, labels if soft is None else soft) + 6 * divergence

    def run(self, part):
        for order in torch.randperm(256).split(128):
            loss = self.step(*self.augmented(order))
        return loss

    def step(self, images, labels):
        soft = None
        if self.teacher:
            with torch.no_grad():
                soft = (self.teacher(images) / 5).softmax(1)
        adversarial = self.attack(images, labels)
        self.model.train().requires_grad_(True)
        moves = []
        if self.proxy:
            self.proxy.load_state_dict(self.model.state_dict())
            self.proxy.train()
            weights = [p for p in self.proxy.parameters()]
            gradients = torch.autograd.grad(self.loss(self.proxy, images, adversarial, labels, soft), weights)
            with torch.no_grad():
                for p, g in zip(self.model.parameters(), gradients):
                    if p.dim() > 1:
                        moves.append((p, g * (0.005 * p.norm() / (g.norm() + 1e-20))))
                for p, move in moves:
                    p.add_(move)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(self.model, images, adversarial, labels, soft)
        loss.backward()
        self.optimiser.step()
        with torch.no_grad():
            for p, move in moves:
                p.sub_(move)
            torch._foreach_lerp_(self.average, [p.detach() for p in self.model.parameters()], 0.005)
        return loss.item()


OPERATIONS = {
    "elementwise.add": torch.add,
    "elementwise.mul": torch.mul,
    "elementwise.relu": lambda a, b, **into: torch.clamp_min(a, 0, **into) if into else torch.relu(a),
    "elementwise.exp": lambda a, b, **into: torch.exp(a, **into),
    "elementwise.chain": lambda a, b: torch.relu_(a * b + a).mul_(0.5),
    "reductions.sum": lambda a, b: a.sum(),
    "reductions.sum_rows": lambda a, b: a.sum(1),
    "reductions.sum_columns": lambda a, b: a.sum(0),
    "reductions.mean": lambda a, b: a.mean(),
    "reductions.max": lambda a, b: a.max(),
    "reductions.max_rows": lambda a, b: a.amax(1),
    "reductions.softmax": lambda a, b: a.softmax(1),
    "reductions.log_softmax": lambda a, b: a.log_softmax(1),
}


class TensorWorkload:
    def __init__(self, words):
        if words[0] == "matmul":
            side, self.operation = int(words[1]), torch.mm
        else:
            side = {"1mb": 512, "100mb": 5120}[words[2]]
            self.operation = OPERATIONS[f"{words[0]}.{words[1]}"]
        values = spread(2 * side * side) * 4 - 1
        self.a, self.b = values[: side * side].view(side, side).clone(), values[side * side :].view(side, side).clone()
        # ".into": the result goes into memory that is already there.
        self.into = {"out": torch.empty(side, side)} if words[-1] == "into" else {}

    def run(self, part):
        with torch.inference_mode():
            return self.operation(self.a, self.b, **self.into)

    def results(self, part):
        return {"result": self.run(part)}


class LoadWorkload:
    """What torch.save wrote, as tensors or as a model of its own."""

    def __init__(self, words, folder):
        self.path, self.makes_model = f"{folder}/wrn_28_10.pt", words[-1] == "model"

    def prepare(self):
        if not os.path.exists(self.path):
            torch.save(NETWORKS["wrn28_10"][0]().state_dict(), self.path)

    def run(self, part):
        state = torch.load(self.path, weights_only=True)
        if not self.makes_model:
            return state
        model = NETWORKS["wrn28_10"][0]()
        model.load_state_dict(state)
        return model.state_dict()

    def results(self, part):
        return {name: tensor for name, tensor in self.run(part).items() if tensor.dtype == torch.float32}


class Photographs(torch.utils.data.Dataset):
    """The steps of torchvision's ImageFolder, Resize(256), CenterCrop(224) and ToTensor, without that package."""

    def __init__(self, rounds=8):
        beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data")
        folder = os.path.join(os.environ.get("LTD_DATA", beside), "imagenet-style")
        self.names = sorted(glob.glob(os.path.join(folder, "*/*.jpg"))) * rounds

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        from PIL import Image
        with open(self.names[index], "rb") as file:
            image = Image.open(file).convert("RGB")
        width, height = image.size
        short, long = min(width, height), max(width, height)
        longer = int(256 * long / short)
        size = (256, longer) if width <= height else (longer, 256)
        image = image.resize(size, Image.BILINEAR)
        left, top = (int(round((length - 224) / 2.0)) for length in size)
        image = image.crop((left, top, left + 224, top + 224))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(224, 224, 3)
        return pixels.permute(2, 0, 1).contiguous().float().div(255), index


class DataWorkload:
    """A DataLoader with two workers, which stay from one epoch to the next."""

    def __init__(self, words):
        self.loader = torch.utils.data.DataLoader(
            Photographs(), batch_size=32, num_workers=2, persistent_workers=True)

    def run(self, part):
        for images, labels in self.loader:
            pass

    def results(self, part):
        data = Photographs(rounds=1)
        return {"images": torch.stack([data[i][0] for i in range(50)])}


class Worker:
    def __init__(self, folder):
        self.folder = folder
        self.group, self.workload = None, None

    def find(self, name, dropout=True):
        words = name.split(".")
        group, batch = name, None
        if words[0] in NETWORKS:
            first = words.pop(0)
            group = first
            if words[0][0] == "b" and words[0][1:].isdigit():
                batch = int(words[0][1:])
                group += "." + words.pop(0)
        if group != self.group:
            self.group, self.workload = None, None
            if words[0] == "load":
                self.workload = LoadWorkload(words, self.folder)
            elif words[0] == "data":
                self.workload = DataWorkload(words)
            elif words[0] == "step":
                self.workload = StepWorkload(words[1:], self.folder)
            elif group == name:
                self.workload = TensorWorkload(words)
            else:
                self.workload = NetworkWorkload(first, batch, self.folder, dropout)
            self.group = group
        return self.workload, ".".join(words)

    def answer(self, words):
        if words[0] == "threads":
            torch.set_num_threads(int(words[1]))
            return "ok"
        if words[0] == "run":
            workload, part = self.find(words[1])
            repeats = int(words[2])
            start = time.perf_counter()
            for _ in range(repeats):
                workload.run(part)
            return (time.perf_counter() - start) * 1000 / repeats
        if words[0] == "prepare":
            self.find(words[1])[0].prepare()
            return "ok"
        if words[0] == "check":
            self.group = None
            workload, part = self.find(words[1], dropout=False)
            results, expected = workload.results(part), read_safetensors(words[2])
            self.group, self.workload = None, None
            if results.keys() != expected.keys():
                raise ValueError(f"different results: {list(results)[:3]}… and {list(expected)[:3]}…")
            worst = 0.0
            for name, value in results.items():
                ours, theirs = expected[name].double(), value.double().reshape(expected[name].shape)
                worst = max(worst, ((ours - theirs).norm() / theirs.norm().clamp(min=1e-30)).item())
            return worst
        if words[0] == "memory":
            workload, part = self.find(words[1])
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
            start = resident_memory("VmRSS")
            for _ in range(2):
                workload.run(part)
            return f"{resident_memory('VmHWM')} {start}"
        raise ValueError(f"an unknown request: {' '.join(words)}")


def resident_memory(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def main():
    print(torch.__version__, torch.backends.cpu.get_cpu_capability(), flush=True)
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        try:
            print(worker.answer(line.split()), flush=True)
        except Exception as error:
            print(f"error {type(error).__name__}: {' '.join(str(error).split())}", flush=True)


main()
