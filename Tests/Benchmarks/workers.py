"""The two sides: long-lived processes that answer requests in turn, so that only one of them works at a time."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Failure(Exception):
    """What ends the run with a message."""


def build(product):
    """Builds a release program of the package; its path by its name."""
    print(f"building {product} …", file=sys.stderr, flush=True)
    command = ["swift", "build", "-c", "release", "--package-path", ROOT]
    try:
        done = subprocess.run([*command, "--product", product], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        raise Failure("swift is not on PATH")
    if done.returncode != 0:
        raise Failure(f"{product} does not build:\n{done.stdout[-4000:]}")
    folder = subprocess.run([*command, "--show-bin-path"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return {product: os.path.join(folder, product)}


class Side:
    """One process, asked one thing at a time."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"{self.name} ended with status {self.process.wait()}")
        if line.startswith("error "):
            raise Failure(f"{self.name}: {line[6:].strip()}")
        return line.strip()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self.answer()

    def lines(self, *words):
        """Lines of an answer as they come."""
        line = self.ask(*words)
        while line.startswith("+"):
            yield line[1:]
            line = self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start_torch(folder):
    side = Side("PyTorch", [sys.executable, os.path.join(HERE, "torch_worker.py"), folder])
    try:
        return side, side.answer()
    except Failure:
        raise Failure(
            "PyTorch is missing (its message is above). Install it with\n"
            "    pip install torch --index-url https://download.pytorch.org/whl/cpu\n"
            f"for {sys.executable}; the cases of --only language need it for language.startup alone.")


class Pair:
    """ltd and PyTorch with the same weights, in a folder of their own."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory(prefix="ltd-benchmarks-")
        self.theirs, self.version = start_torch(self.folder.name)
        self.ours = Side("ltd", [program, self.folder.name])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ours.close()
        self.theirs.close()
        self.folder.cleanup()

    def check(self, name, tolerance):
        """Both sides compute the same from the same weights."""
        file = os.path.join(self.folder.name, "check")
        self.ours.ask("check", name, file)
        difference = float(self.theirs.ask("check", name, file))
        os.remove(file)
        print(f"check {name}: relative difference {difference:.1e}", file=sys.stderr, flush=True)
        if not difference <= tolerance:
            raise Failure(f"{name}: ltd and PyTorch differ by {difference:.1e}, more than {tolerance:.0e}")

    def measure(self, name, threads, pairs=None):
        if name.startswith("memory."):
            return self.measure_memory(name, threads)
        sides = (self.ours, self.theirs)
        for side in sides:
            side.ask("threads", threads)
        # The first run prepares the case; a second one of short cases tells how often to repeat them for about 20 ms.
        first = [float(side.ask("run", name, 1)) for side in sides]
        if sum(first) < 12_000:
            first = [float(side.ask("run", name, 1)) for side in sides]
        repeats = [max(1, min(1000, int(20 / time))) if time > 0 else 1000 for time in first]
        pairs = pairs or (7 if sum(first) < 12_000 else 3)
        times = []
        for turn in range(pairs):
            pair = {}
            for i in (0, 1) if turn % 2 == 0 else (1, 0):
                # Threads of the other side that still wait for work go to sleep.
                time.sleep(0.02)
                pair[i] = float(sides[i].ask("run", name, repeats[i]))
            times.append((pair[0], pair[1]))
        ours, theirs = zip(*times)
        return {
            "name": name, "threads": threads, "ours_ms": round(statistics.median(ours), 4),
            "theirs_ms": round(statistics.median(theirs), 4),
            "ratio": round(statistics.median(b / a for a, b in times), 3),
            "ours_min_ms": round(min(ours), 4), "theirs_min_ms": round(min(theirs), 4), "pairs": pairs,
        }

    def measure_memory(self, name, threads):
        """The most resident memory of a process that does nothing else, whole and above what libraries, model and batch
        take."""
        case = name.removeprefix("memory.")
        # Weights that both read.
        self.ours.ask("run", case.removeprefix("step.").split(".")[0] + ".forward", 1)
        peaks = []
        for side in (Side("ltd", [self.program, self.folder.name]), start_torch(self.folder.name)[0]):
            side.ask("threads", threads)
            peak, start = map(int, side.ask("memory", case).split())
            side.close()
            peaks += [round(peak / 1024, 1), round((peak - start) / 1024, 1)]
        return {
            "name": name, "threads": threads, "ours_mb": peaks[0], "theirs_mb": peaks[2],
            "ratio": round(peaks[2] / peaks[0], 3), "ours_work_mb": peaks[1], "theirs_work_mb": peaks[3],
        }
