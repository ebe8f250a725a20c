"""The demo's table and picture, from the three runs' files. Exit code 1 if they do not show the paper's claim."""

import subprocess
import sys

sys.dont_write_bytecode = True
import curves

RUNS = [("LeNet", "lenet", 1, "converged"),
        ("LeNet(30), no growth", "lenet30-plain", 15, "stayed at chance"),
        ("LeNet(30), staggered DropIn", "lenet30-dropin", 15, "converged")]
RAMP = (0, 27 * 35 + 150)  # 28 sites


def main():
    rows = [["network", "conv layers", "parameters", "iterations", "seconds", "test accuracy", "verdict"]]
    drawn, as_claimed = [], True
    for label, name, depth, claimed in RUNS:
        records, _ = curves.read(f"runs/demo/{name}/metrics.csv")
        x, y = curves.tests(records)
        drawn.append((label, name, x, y))
        summary = subprocess.run(["build/demo/bin/mnist", "summary", "--relu", "--depth", str(depth)], check=True, text=True,
                                 capture_output=True).stdout.splitlines()
        convolutions = sum(line.startswith("conv") for line in summary)
        parameters = next(line.split()[1] for line in summary if line.startswith("total"))
        found = curves.verdict(y[-1])
        as_claimed &= found == claimed
        rows.append([label, str(convolutions), parameters, records[-1]["iteration"], f"{float(records[-1]['seconds']):.0f}", f"{y[-1]:.4f}", found])
    curves.draw("runs/demo/accuracy.png", "MNIST: the same LeNet(30), from scratch and grown", drawn, ramp=RAMP)
    print(curves.table(rows))
    print("\nruns/demo/ holds each run's metrics.csv and model.safetensors, and accuracy.png with the three curves.")
    if not as_claimed:
        print("This is not what was expected: converged, stayed at chance, converged.", file=sys.stderr)
    return 0 if as_claimed else 1


if __name__ == "__main__":
    sys.exit(main())
