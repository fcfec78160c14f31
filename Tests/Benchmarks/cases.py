"""The names of all cases."""

import attacks
from workers import Failure

NETWORKS = ["smallcnn", "preactresnet18", "preactresnet18.b128", "wrn28_10", "resnet50"]
WORK = ["forward", "inputgrad.train", "inputgrad.eval", "train", "pgd10"]
MATRICES = [64, 256, 512, 1024, 2048]
ELEMENTWISE = ["add", "mul", "relu", "exp", "chain"]
REDUCTIONS = ["sum", "sum_rows", "sum_columns", "mean", "max", "max_rows", "softmax", "log_softmax"]
LOADS = ["load.wrn_28_10", "load.wrn_28_10.model"]
DATA = ["data.image_folder"]
LANGUAGE = ["fib30", "loop10m", "closures", "strings", "lists", "records", "sorting", "startup"]

# Networks of the attacks, with the batch of AutoAttack.
ATTACKED = ["mnistnet", "smallcnn.b250", "wrn10_1"]

STEPS = [f"step.{network}.{method}" for network in ("preactresnet18", "smallcnn") for method in ("pgd_at", "trades", "trades_awp", "ltd")]

# Measured only when asked for: other names, the speed of every operation by itself, and attacks, which take long.
ALIASES = ["ops"] + STEPS + [f"memory.{name}" for name in STEPS] + list(attacks.CASES) + [f"{network}.{work}" for network in NETWORKS for work in ("inputgrad", "pgd10.eval")]


def all_cases():
    names = [f"{network}.{work}" for network in NETWORKS for work in WORK]
    names += [f"{network}.{work}" for network in ATTACKED for work in ("forward", "inputgrad.eval")]
    names += LOADS
    names += DATA
    names += [f"matmul.{side}" for side in MATRICES]
    names += [f"elementwise.{operation}.{size}" for operation in ELEMENTWISE for size in ("1mb", "100mb")]
    # PyTorch with out=: it writes to memory that is already there, ltd to a new tensor.
    names += [f"elementwise.{operation}.{size}.into" for operation in ("add", "exp") for size in ("1mb", "100mb")]
    names += [f"reductions.{operation}.{size}" for operation in REDUCTIONS for size in ("1mb", "100mb")]
    names += [f"memory.{network}.{work}" for network in NETWORKS for work in ("forward", "inputgrad.train", "train")]
    return names + [f"language.{program}" for program in LANGUAGE]


def select(wanted):
    if not wanted:
        return all_cases()
    chosen = []
    for word in wanted:
        if word in ALIASES + all_cases():
            found = [word]
        else:
            found = [name for name in all_cases() + STEPS + list(attacks.CASES) + [f"memory.{step}" for step in STEPS] if name.startswith(word + ".")]
        if not found:
            raise Failure(f"no case is called '{word}'; --list prints all names")
        chosen += [name for name in found if name not in chosen]
    return chosen


def tolerance(name):
    """The relative difference (L2) that rounding may cause."""
    if ".pgd10" in name:
        return 2e-2  # of the loss: signs of tiny gradients differ, and the ten steps part
    if ".inputgrad" in name or ".train" in name:
        # Where rounding moves a value over the kink of a ReLU, a whole path of the gradient comes or goes: PyTorch's
        # own layouts differ from each other by 1e-2, for ResNet-50 by 6e-2 (weights: 9e-2).
        return 2e-1 if name.startswith("resnet50") else 5e-2
    return 1e-4
