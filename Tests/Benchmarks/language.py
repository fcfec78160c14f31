"""Equal programs in ltd, Python and Lua, measured as whole processes in turn."""

import os
import shutil
import statistics
import subprocess
import sys
import time

from workers import HERE, Failure

MINIMUM_PAIRS = 5


def measure(name, ltd, pairs=None):
    program = name.removeprefix("language.")
    lua = next((path for path in map(shutil.which, ("lua5.4", "lua")) if path), None)
    if program == "startup":
        commands = [[ltd, "-e", "1"], [sys.executable, "-c", "import torch"]]
    else:
        path = os.path.join(HERE, "language", program)
        commands = [[ltd, path + ".ltd"], [sys.executable, path + ".py"]]
        if lua:
            commands.append([lua, path + ".lua"])
        else:
            print(f"{name}: no lua5.4 on PATH, left out", file=sys.stderr)
        outputs = [_run(command)[1] for command in commands]
        if len(set(outputs)) != 1:
            raise Failure(f"{name}: the programs print different results: {outputs}")
    rounds = []
    for turn in range(max(pairs or 7, MINIMUM_PAIRS)):
        order = range(len(commands)) if turn % 2 == 0 else reversed(range(len(commands)))
        times = {i: _run(commands[i])[0] for i in order}
        rounds.append([times[i] for i in range(len(commands))])
    columns = list(zip(*rounds))
    ratios = [statistics.median(r[i] / r[0] for r in rounds) for i in range(len(commands))]
    has_lua = len(commands) == 3
    return {
        "name": name, "threads": 1, "ours_ms": round(statistics.median(columns[0]), 2),
        "theirs_ms": round(statistics.median(columns[1]), 2), "ratio": round(ratios[1], 3),
        "python_ms": round(statistics.median(columns[1]), 2), "python_ratio": round(ratios[1], 3),
        "lua_ms": round(statistics.median(columns[2]), 2) if has_lua else None,
        "lua_ratio": round(ratios[2], 3) if has_lua else None,
    }


def _run(command):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    milliseconds = (time.perf_counter() - start) * 1000
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return milliseconds, done.stdout
