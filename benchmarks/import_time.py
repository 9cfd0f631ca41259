"""Time of ``import partsplan``, best and median of fresh processes, against the limit of 0.7 s.

Run: python benchmarks/import_time.py [processes]
"""

import statistics
import subprocess
import sys

LIMIT_SECONDS = 0.7
PROCESSES = 7
SNIPPET = """
from time import perf_counter
start = perf_counter()
import partsplan
print(perf_counter() - start)
"""


def import_seconds() -> float:
    done = subprocess.run(
        [sys.executable, "-c", SNIPPET], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    import_seconds()  # writes the byte code and warms the disk cache
    seconds = [import_seconds() for _ in range(processes)]
    verdict = "kept" if min(seconds) <= LIMIT_SECONDS else "MISSED"
    print(
        f"import partsplan: best {min(seconds):.3f} s, median {statistics.median(seconds):.3f} s "
        f"of {processes} fresh processes; limit {LIMIT_SECONDS} s: {verdict}"
    )


if __name__ == "__main__":
    main()
