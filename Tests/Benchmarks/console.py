#!/usr/bin/env python3
"""Times of the prompt at a pseudo-terminal: start, the echo of a key, Tab, a frame of a long statement, a paste; and what
the dashboard of `fit` adds to the processor time of a training.

    Tests/Benchmarks/console.py .build/release/ltd

Asked for: start <= 20 ms, a key <= 1 ms, Tab <= 10 ms, the dashboard <= 1 %. Medians over many tries; times are those of the whole way, from
the write of the key to the last byte of the answer. Needs nothing but Python.
"""
import fcntl
import os
import pty
import select
import shutil
import statistics
import struct
import sys
import tempfile
import termios
import time


class Terminal:
    def __init__(self, program, home, term="xterm"):
        self.process, self.end = pty.fork()
        if self.process == 0:
            environment = {"HOME": home, "TERM": term, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
            libraries = os.environ.get("LD_LIBRARY_PATH")
            if libraries:
                environment["LD_LIBRARY_PATH"] = libraries
            os.execve(program, [program], environment)
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))

    def until(self, mark, seconds=20):
        seen, stop = b"", time.perf_counter() + seconds
        while mark not in seen:
            if not select.select([self.end], [], [], max(0, stop - time.perf_counter()))[0]:
                raise SystemExit(f"{mark!r} did not come: {seen[-300:]!r}")
            seen += os.read(self.end, 1 << 16)
        return seen

    def quiet(self, seconds=0.05):
        while select.select([self.end], [], [], seconds)[0]:
            os.read(self.end, 1 << 16)

    def press(self, keys):
        """Milliseconds from the keys to the last byte that comes within a hundredth of a second of another."""
        begin = last = time.perf_counter()
        os.write(self.end, keys)
        if not select.select([self.end], [], [], 5)[0]:
            raise SystemExit(f"no answer to {keys!r}")
        while select.select([self.end], [], [], 0.01)[0]:
            os.read(self.end, 1 << 16)
            last = time.perf_counter()
        return (last - begin) * 1000

    def processor_seconds(self):
        with open(f"/proc/{self.process}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        os.close(self.end)
        os.waitpid(self.process, 0)


def show(name, times, most=None):
    middle = statistics.median(times)
    verdict = "" if most is None else "  ok" if middle <= most else f"  MORE THAN {most}"
    print(f"{name:44} {middle:8.2f} ms median {max(times):8.2f} ms at most{verdict}")


def dashboard(program, home, pairs=9):
    """Trainings in turn with the dashboard and without: the ratios of their processor times."""
    terminal = Terminal(program, home, term="xterm-256color")
    terminal.until(b"ltd> ")
    os.write(terminal.end, b"train, test = glyphs(n=2000, seed=1); net = smallcnn(seed=1); print(\"rea\" + \"dy\")\n")
    terminal.until(b"ready")
    times = {"false": [], "true": []}
    for pair in range(pairs + 1):
        for quiet, taken in sorted(times.items(), reverse=pair % 2 == 0):
            terminal.quiet()
            before = terminal.processor_seconds()
            call = f'fit(net, train, method=pgd_at(), epochs=1, batch=128, quiet={quiet}); print("do" + "ne")\n'
            os.write(terminal.end, call.encode())
            terminal.until(b"done", seconds=120)
            taken.append(terminal.processor_seconds() - before)
    terminal.close()
    # The first pair maps memory.
    ratios = [a / b for a, b in zip(times["false"][1:], times["true"][1:])]
    middle = statistics.median(ratios)
    verdict = "ok" if middle <= 1.01 else "MORE THAN 1 %"
    print(f"{'training with the dashboard':44} {100 * middle - 100:8.2f} % more processor time  {verdict}")


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".build/release/ltd")
    home = tempfile.mkdtemp()
    try:
        starts = []
        for entries in (0, 10000):
            folder = os.path.join(home, ".local/state/ltd")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "history"), "w") as file:
                file.writelines(f"x{n} = fit(net, train, epochs={n})\n" for n in range(entries))
            starts = []
            for _ in range(15):
                begin = time.perf_counter()
                terminal = Terminal(program, home)
                terminal.until(b"ltd> ")
                starts.append((time.perf_counter() - begin) * 1000)
                terminal.close()
            show(f"start, {entries} entries of history", starts, 20)
        terminal = Terminal(program, home)
        terminal.until(b"ltd> ")
        terminal.quiet()
        show("a key", [terminal.press(bytes([key])) for key in b"value_of_a_long_name = 12 + other" * 3], 1)
        os.write(terminal.end, b"\x15perturb(net, x, y, ")
        terminal.quiet()
        show("a key within a call", [terminal.press(key) for key in (b"e", b"p", b"s", b"=", b"8", b"/") * 5], 1)
        os.write(terminal.end, b"\x15\x0b")
        terminal.quiet()
        tabs = []
        for text in (b"s", b"fi", b"random.", b"p") * 5:
            os.write(terminal.end, text)
            terminal.quiet()
            tabs.append(terminal.press(b"\t"))
            os.write(terminal.end, b"\x07\x15\x0b")
            terminal.quiet()
        show("Tab", tabs, 10)
        statement = "fn f(x) {\n" + "".join(f"  a{n} = g(x, [{n}, 2], name=\"s\")  # c\n" for n in range(298)) + "}"
        begin = time.perf_counter()
        os.write(terminal.end, b"\x1b[200~" + statement.encode() + b"\x1b[201~")
        terminal.until(b"}")
        print(f"{'a paste of 300 lines, drawn':44} {(time.perf_counter() - begin) * 1000:8.2f} ms")
        terminal.quiet(0.7)
        show("a key at the end of 300 lines", [terminal.press(b"x") for _ in range(30)], 1)
        show("a line up in 300 lines", [terminal.press(b"\x1b[A") for _ in range(100)], 1)
        os.write(terminal.end, b"\x03")
        terminal.quiet()
        show("the history as a list, a letter", [terminal.press(b"\x12")] + [terminal.press(key) for key in (b"f", b"i", b"t")], 10)
        terminal.close()
        dashboard(program, home)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
