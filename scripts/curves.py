"""Reads the programs' metrics.csv and draws their curves."""

import csv

# Told apart also without colour, and named at their ends.
STYLES = ["-", "--", "-.", ":"]
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]


def read(path):
    """The records as dicts, and the comment lines before them."""
    with open(path, newline="") as file:
        lines = file.read().splitlines()
    comments = [line[2:] for line in lines if line.startswith("#")]
    return list(csv.DictReader(line for line in lines if not line.startswith("#"))), comments


def tests(records):
    """Test accuracy as two lists: iterations, accuracies."""
    chosen = [r for r in records if r["phase"] == "test"]
    return [int(r["iteration"]) for r in chosen], [float(r["accuracy"]) for r in chosen]


def verdict(accuracy):
    if accuracy >= 0.90:
        return "converged"
    return "stayed at chance" if accuracy <= 0.20 else "in between"


def draw(path, title, curves, ramp=None):
    """curves: (label, group, iterations, accuracies); curves of a group share a colour, the first one bears the label."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = list(dict.fromkeys(group for _, group, _, _ in curves))
    columns = 1 if max(len(label) for label, _, _, _ in curves) > 45 else 2
    lines = -(-len(groups) // columns)
    figure, axes = pyplot.subplots(figsize=(8, 4.2 + 0.25 * lines), dpi=120)
    named = set()
    for label, group, x, y in curves:
        k = groups.index(group)
        axes.plot(x, [100 * v for v in y], STYLES[k % 4], color=COLOURS[k % 7], linewidth=2,
                  label=None if group in named else label)
        named.add(group)
    if ramp:
        axes.axvspan(*ramp, color="#009E73", alpha=0.08, linewidth=0)
        axes.annotate("layers are let in", (sum(ramp) / 2, 2), ha="center", color="#666666")
    axes.axhline(10, color="#999999", linewidth=0.8)
    axes.annotate("chance", (axes.get_xlim()[1], 9.5), ha="right", va="top", color="#666666")
    axes.set(title=title, xlabel="iteration", ylabel="test accuracy, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=columns, frameon=False)  # below: curves may run anywhere
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def table(rows):
    """Rows of strings as aligned text, the first row as its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))) for row in rows]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths)] + lines[1:])
