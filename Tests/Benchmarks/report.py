"""The tables of results, on the screen and in RESULTS*.md."""

import datetime
import importlib.metadata
import os
import platform
import subprocess

from workers import HERE, ROOT


def machine():
    name = "an unknown processor"
    try:
        with open("/proc/cpuinfo") as file:
            name = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} processors"


def head():
    print(f"{'case':36} threads   ltd ms (min)         PyTorch ms (min)      ratio", flush=True)


def attack_head():
    print(f"whole attacks, {machine()}")
    print(f"{'case':28} threads images   ltd s (robust)   theirs s (robust)   ratio", flush=True)


def attack_line(row):
    def side(ms, robust):
        return f"{ms / 1000:.2f} ({robust})"

    print(
        f"{row['name']:28} {row['threads']:7} {row['images']:6} {side(row['ours_ms'], row['ours_robust']):>16} "
        f"{side(row['theirs_ms'], row['theirs_robust']):>19} {row['ratio']:7.2f}   {row['rival']}", flush=True)
    for other in row["others"]:
        print(f"{'':37} {'':22} {side(other['ms'], other['robust']):>19} {'':7}   {other['code']}", flush=True)


def language_head():
    print(f"{'case':36}            ltd ms     Python ms        Lua ms   Python/ltd  Lua/ltd", flush=True)


def line(row):
    name = f"{row['name']:36}"
    if "python_ms" in row:
        lua = f"{row['lua_ms']:14.1f}   {row['python_ratio']:10.2f} {row['lua_ratio']:8.2f}" if row["lua_ms"] else (
            f"{'–':>14}   {row['python_ratio']:10.2f}")
        print(f"{name} {row['ours_ms']:17.1f} {row['python_ms']:13.1f} {lua}", flush=True)
    elif "ours_mb" in row:
        print(
            f"{name} {row['threads']:7}   {row['ours_mb']:9.0f} MB (+{row['ours_work_mb']:.0f}) "
            f"{row['theirs_mb']:9.0f} MB (+{row['theirs_work_mb']:.0f}) {row['ratio']:10.2f}", flush=True)
    else:
        print(
            f"{name} {row['threads']:7} {row['ours_ms']:10.3f} ({row['ours_min_ms']:.3f}) "
            f"{row['theirs_ms']:12.3f} ({row['theirs_min_ms']:.3f}) {row['ratio']:10.2f}", flush=True)


def operation(line):
    name, *columns = line.split("\t")
    if len(columns) == 1:
        print(columns[0], flush=True)
    else:
        print(f"{name:22} {columns[0]:64} {columns[1]:>16} {'   '.join(columns[2:]):>40}", flush=True)


MEDIANS = "Medians of runs in turn; the ratio is the median of the ratios of pairs, the other's time divided by ltd's."


def write(rows, arguments):
    """RESULTS.md and RESULTS-memory.md, against PyTorch, and RESULTS-language.md, against Python and Lua: those of which
    something was measured."""
    timed = [row for row in rows if "theirs_ms" in row and "python_ms" not in row and "rival" not in row]
    memory = [row for row in rows if "ours_mb" in row]
    spoken = [row for row in rows if "python_ms" in row]
    torch = [_version("torch")]
    if timed:
        text = ["| case | threads | ltd ms | PyTorch ms | ratio |", "|---|---|---|---|---|"]
        text += [
            f"| {r['name']} | {r['threads']} | {r['ours_ms']:.4g} | {r['theirs_ms']:.4g} | {r['ratio']:.2f} |" for r in timed]
        _write("RESULTS.md", "PyTorch", torch, arguments, [MEDIANS, "", *text, ""])
    if memory:
        text = [
            "Peak resident memory of a process, and in brackets what the work added to libraries, model and batch.", "",
            "| case | threads | ltd MB | PyTorch MB | ratio |", "|---|---|---|---|---|"]
        text += [
            f"| {r['name']} | {r['threads']} | {r['ours_mb']:.0f} ({r['ours_work_mb']:.0f}) | "
            f"{r['theirs_mb']:.0f} ({r['theirs_work_mb']:.0f}) | {r['ratio']:.2f} |" for r in memory]
        _write("RESULTS-memory.md", "PyTorch: memory", torch, arguments, [*text, ""])
    if spoken:
        text = ["| program | ltd ms | Python ms | Lua ms | Python / ltd | Lua / ltd |", "|---|---|---|---|---|---|"]
        for r in spoken:
            lua = (f"{r['lua_ms']:.0f}", f"{r['lua_ratio']:.2f}") if r["lua_ms"] else ("–", "–")
            text.append(
                f"| {r['name']} | {r['ours_ms']:.0f} | {r['python_ms']:.0f} | {lua[0]} | {r['python_ratio']:.2f} | {lua[1]} |")
        versions = [f"Python {platform.python_version()}", _first_line(["lua5.4", "-v"])]
        _write("RESULTS-language.md", "Python and Lua", versions, arguments, [MEDIANS, "", *text, ""])


def _write(name, rivals, versions, arguments, table):
    """What was measured, where, with what, and by which command."""
    date = datetime.date.today().isoformat()
    commit = _first_line(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"])
    versions = [version for version in [_first_line(["swift", "--version"]), *versions] if version]
    text = [
        f"# Results against {rivals}", "",
        f"Written on {date} by `Tests/Benchmarks/run {arguments}` at commit {commit}. Do not edit.", "",
        f"Machine: {machine()}. {'. '.join(versions)}.",
        *table,
    ]
    with open(os.path.join(HERE, name), "w") as file:
        file.write("\n".join(text))


def _version(module):
    try:
        return f"PyTorch {importlib.metadata.version(module)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def _first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""
