"""Time of ``import partsplan`` and of the first use of its names, against the limit of 0.7 s.

Best of fresh processes, by the wall clock and in CPU seconds, which a busy machine disturbs less.
Run: python benchmarks/import_time.py [processes]
"""

import subprocess
import sys

LIMIT_SECONDS = 0.7
PROCESSES = 7
STATEMENTS = ("import partsplan", "from partsplan import *")
SNIPPET = """
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
{statement}
print(perf_counter() - wall, process_time() - cpu)
"""


def seconds_of(statement: str) -> tuple[float, float]:
    """Wall clock and CPU seconds of one fresh process."""
    code = SNIPPET.format(statement=statement)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wall, cpu = done.stdout.split()
    return float(wall), float(cpu)


def main() -> None:
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    for statement in STATEMENTS:
        seconds_of(statement)  # writes the byte code and warms the disk cache
        walls, cpus = zip(*(seconds_of(statement) for _ in range(processes)), strict=True)
        verdict = "kept" if min(cpus) <= LIMIT_SECONDS else "MISSED"
        print(
            f"{statement:<24} best {min(walls):.3f} s, CPU {min(cpus):.3f} s "
            f"of {processes} fresh processes; limit {LIMIT_SECONDS} s: {verdict}"
        )


if __name__ == "__main__":
    main()
