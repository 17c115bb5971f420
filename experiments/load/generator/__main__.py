"""
Start the generator: `python -m experiments.load.generator [PORT]`.

A `Job` comes by stdin, what happens goes to stdout. With the port of a master it is its worker.
"""

import sys

from experiments.load.generator.process import run_root, run_worker

if __name__ == "__main__":
    raise SystemExit(run_worker(int(sys.argv[1])) if len(sys.argv) > 1 else run_root())
