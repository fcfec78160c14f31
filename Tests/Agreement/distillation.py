"""Three training steps of methods that the reference vectors leave out, by PyTorch in float64, written from the papers: the
numbers of Tests/ReferenceVectors/DistillationVectors.swift. Usage: distillation.py VECTORS"""
import math
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

torch.set_default_dtype(torch.float64)
tensors = load_file(sys.argv[1] + "/steps.safetensors")
x, y = tensors["x1"].double(), tensors["y1"]
eps, size, attack_steps = 8 / 255, 2 / 255, 3


class Net(nn.Module):
    def __init__(self, first, second):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first)
        self.conv2, self.bn2 = nn.Conv2d(first, second, 3, 2, 1, bias=False), nn.BatchNorm2d(second)
        self.fc = nn.Linear(second, 10)

    def forward(self, images):
        h = F.relu(self.bn1(self.conv1(images)))
        return self.fc(F.relu(self.bn2(self.conv2(h))).mean((2, 3)))


def network(name):
    state = {k[len(name) + 1:]: v for k, v in tensors.items() if k.startswith(name + "/")}
    model = Net(state["conv1.weight"].shape[0], state["conv2.weight"].shape[0])
    model.load_state_dict(state, strict=False)
    return model


def kl(teacher, student, t=1.0):
    """KL(softmax(teacher/t) || softmax(student/t)) of each example."""
    logs = F.log_softmax(teacher / t, 1)
    return (logs.exp() * (logs - F.log_softmax(student / t, 1))).sum(1)


def cross_entropy(logits, _):
    return F.cross_entropy(logits, y, reduction="sum")


def attacked(student, objective, mode="eval", radius=eps):
    student.train(mode == "train")
    moved = x.clone()
    for _ in range(attack_steps):
        moved = moved.detach().requires_grad_()
        slope = torch.autograd.grad(objective(student(moved), moved), moved)[0]
        moved = moved.detach() + size * slope.sign()
        moved = torch.min(torch.max(moved, x - radius), x + radius).clamp(0, 1)
    student.train()
    return moved.detach()


def answers(teacher, *images):
    with torch.no_grad():
        return [teacher(i) for i in images]


def differences(teacher, plus, minus, moved):
    a, b = answers(teacher, moved, 2 * x - moved)
    return kl(a - b, plus - minus)


def iad(student, nets, epoch):
    moved = attacked(student, cross_entropy, "train")
    natural, adversarial = answers(nets["rob"], x, moved)
    za, z, t = student(moved), student(x), 2.0
    loss = t * t * kl(natural, za, t).mean()
    if epoch >= 1:
        share = F.softmax(adversarial, 1).gather(1, y[:, None])[:, 0] ** 0.1
        loss = loss + ((1 - share) * kl(z, za)).mean()
    return loss


def iad_with_two(student, nets, epoch):
    moved = attacked(student, cross_entropy, "train")
    (robust,), (natural,) = answers(nets["rob"], moved), answers(nets["std"], moved)
    za, t = student(moved), 2.0
    middle = kl(robust, za, t)
    if epoch >= 1:
        share = F.softmax(robust, 1).gather(1, y[:, None])[:, 0] ** 0.1
        middle = share * middle + (1 - share) * kl(student(x), za)
    return 0.25 * F.cross_entropy(za, y) + 0.5 * t * t * middle.mean() + 0.25 * t * t * kl(natural, za, t).mean()


def mtard(student, nets, epoch):
    moved = attacked(student, cross_entropy)
    (robust,), (natural,) = answers(nets["rob"], moved), answers(nets["std"], x)
    za, z = student(moved), student(x)

    def k(teacher, logits):
        q = F.softmax(teacher / 2, 1)
        return (q * ((q + 1e-5).log() - F.log_softmax(logits, 1))).mean()

    adversarial, clean = k(robust, za), k(natural, z)
    first = nets.setdefault("first", (adversarial.item(), clean.item()))
    weight = nets.get("weight", 0.5)
    ra, rn = adversarial.item() / first[0], clean.item() / first[1]
    nets["weight"] = weight = weight - 0.3 * (weight - rn / (ra + rn))
    return (1 - weight) * adversarial + weight * clean


def b_mtard(student, nets, epoch):
    moved = attacked(student, cross_entropy)
    (robust,), (natural,) = answers(nets["rob"], moved), answers(nets["std"], x)
    za, z = student(moved), student(x)
    robust_t, natural_t = nets.setdefault("temperatures", (2.0, 2.0))
    q1, q2 = F.softmax(robust / robust_t, 1), F.softmax(natural / natural_t, 1)
    adversarial = (q1 * ((q1 + 1e-5).log() - F.log_softmax(za, 1))).mean()
    clean = (q2 * ((q2 + 1e-5).log() - F.log_softmax(z, 1))).mean()
    ratio = (q1 * (q1 + 1e-5).log()).sum(1).mean() / (q2 * (q2 + 1e-5).log()).sum(1).mean()
    robust_t, natural_t = robust_t - 0.4 * torch.sign(ratio - 1).item(), natural_t - 0.4 * torch.sign(1 / ratio - 1).item()
    nets["temperatures"] = (max(min(10, robust_t), 1), max(min(10, natural_t), 1))
    first = nets.setdefault("first", (adversarial.item(), clean.item()))
    weight = nets.get("weight", 0.5)
    ra, rn = adversarial.item() / first[0], clean.item() / first[1]
    nets["weight"] = weight = weight - 0.3 * (weight - rn / (ra + rn))
    return (1 - weight) * adversarial + weight * clean


def saad(student, nets, epoch):
    leaf = x.clone().requires_grad_()
    logits = nets["rob"](leaf)
    slope = torch.autograd.grad(logits.gather(1, y[:, None]).sum(), leaf)[0]
    labels = F.one_hot(y, 10)
    logits = logits.detach()

    def objective(z, moved):
        return kl(logits + labels * ((moved - x) * slope).sum((1, 2, 3))[:, None], z).sum()

    moved = attacked(student, objective)
    robust, natural = answers(nets["rob"], moved, x)
    plus, minus, z = student(moved), student(2 * x - moved), student(x)
    entropies = -(F.softmax(robust, 1) * F.log_softmax(robust, 1)).sum(1)
    weights = 5 * (entropies - entropies.min())
    shares = weights / (weights.max() + 1e-8)
    matched = (epoch + 1) / 3 * differences(nets["rob"], plus, minus, moved)
    return (weights * (kl(robust, plus) + matched) + 0.5 * (1 - shares) * kl(natural, z)).mean()


def igdm(student, nets, epoch):
    (natural,) = answers(nets["rob"], x)
    moved = attacked(student, lambda z, _: kl(natural, z).sum())
    q = F.softmax(natural, 1)
    za, z, minus = student(moved), student(x), student(2 * x - moved)

    def k(logits):
        return (q * ((q + 1e-5).log() - F.log_softmax(logits, 1))).mean()

    return 5 / 6 * k(za) + 1 / 6 * k(z) + 20 * (epoch + 1) / 3 * differences(nets["rob"], za, minus, moved).mean()


def lbgat(student, nets, epoch):
    moved = attacked(student, cross_entropy)
    za, z = student(moved), student(x)
    teacher = nets["learner"].train()(x)
    return F.mse_loss(za, teacher) + F.cross_entropy(teacher, y) + 6 * kl(z, za).mean()


# Methods without a teacher: n_fgsm without noise, free_at in three replays of one batch, sat, adr and ikl.
def n_fgsm(student, nets, epoch):
    leaf = x.clone().requires_grad_()
    slope = torch.autograd.grad(F.cross_entropy(student(leaf), y), leaf)[0]
    return F.cross_entropy(student((x + eps * slope.sign()).clamp(0, 1)), y)


def sat(student, nets, epoch):
    moved = attacked(student, cross_entropy)
    z, za = student(x), student(moved)
    natural = F.cross_entropy(z, y)
    if epoch >= 1:
        targets = nets.get("targets", F.one_hot(y, 10).double())
        targets = nets["targets"] = 0.9 * targets + 0.1 * F.softmax(z.detach(), 1)
        weights = targets.max(1).values
        weights = weights / weights.sum() * len(y)
        natural = (weights * -(targets * F.log_softmax(z, 1)).sum(1)).mean()
    return natural + 6 * kl(z, za).mean()


def adr(student, nets, epoch):
    def scheduled(first, last):
        return last + (first - last) * (1 + math.cos(math.pi * epoch / 3)) / 2

    (z,) = answers(nets["average"], x)
    p, labels = F.softmax(z / scheduled(2.5, 2.0), 1), F.one_hot(y, 10)
    share = scheduled(0.7, 0.95) - (p.max(1).values - (p * labels).sum(1))
    share = share.clamp(0, 1)[:, None]
    target = share * p + (1 - share) * labels
    moved = attacked(student, lambda z, _: -(target * F.log_softmax(z, 1)).sum())
    return -(target * F.log_softmax(student(moved), 1)).sum(1).mean()


def ikl(student, nets, epoch):
    moved = attacked(student, cross_entropy, radius=eps * (epoch + 1) / 3)
    za, z = student(moved), student(x)
    means = nets.get("means", torch.full((10, 10), 0.1))
    p = F.softmax(z.detach() / 4, 1)
    nets["means"] = torch.stack([p[y == k].mean(0) if (y == k).any() else means[k] for k in range(10)])
    prior = means[y]
    weights = prior[:, :, None] * prior[:, None, :]
    pairs = (z[:, :, None] - z[:, None, :]) - (za[:, :, None] - za[:, None, :])
    squares = (weights * pairs ** 2).sum() / weights.sum() / 4
    robust = -(F.softmax(z.detach(), 1) * F.log_softmax(za, 1)).sum(1).mean()
    return F.cross_entropy(z, y) + 20 * squares + 4 * robust


def free_at(student, delta):
    leaf = (x + delta).detach().requires_grad_()
    value = F.cross_entropy(student(leaf), y)
    value.backward()
    delta = (delta + eps * leaf.grad.sign()).clamp(-eps, eps)
    return value, (x + delta).clamp(0, 1) - x


def told(name, losses, student):
    state = [v for v in student.state_dict().values() if v.is_floating_point()]
    print(name, losses, f"{sum((v ** 2).sum().item() for v in state) ** 0.5:.6f}")


for name, loss in [
    ("n_fgsm", n_fgsm), ("sat", sat), ("adr", adr), ("ikl", ikl),
    ("iad", iad), ("iad with two", iad_with_two), ("mtard", mtard), ("b-mtard", b_mtard),
    ("saad", saad), ("igdm", igdm), ("lbgat", lbgat)
]:
    student = network("student0")
    nets = {
        "rob": network("teacher_rob").eval(), "std": network("teacher_std").eval(), "learner": network("teacher_std"),
        "average": network("student0").eval(),
    }
    weights = list(student.parameters()) + (list(nets["learner"].parameters()) if name == "lbgat" else [])
    optimiser = torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=5e-4)
    losses = []
    for epoch in range(3):
        optimiser.zero_grad()
        value = loss(student.train(), nets, epoch)
        value.backward()
        optimiser.step()
        losses.append(f"{value.item():.7f}")
        for old, new in zip(nets["average"].state_dict().values(), student.state_dict().values()):
            if old.is_floating_point():
                old.copy_(0.995 * old + 0.005 * new.detach())
    told(name, losses, student)

student, delta = network("student0").train(), torch.zeros_like(x)
optimiser = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
for _ in range(3):
    optimiser.zero_grad()
    value, delta = free_at(student, delta)
    optimiser.step()
told("free_at", [f"{value.item():.7f}"], student)
