#!/usr/bin/env bash
# tensorboard.sh PROGRAM SOURCE: TensorBoard itself, in an environment of its own, reads what --tensorboard wrote, also over a resume.
set -uo pipefail
program=$1 source=$2
source "$(dirname "$0")/common.sh"
few_images "$source"
works train --depth 1 --batch 8 --iterations 20 --display 5 --test-interval 10 --snapshot 10 --tensorboard --jsonl --out run
sleep 0.01
works train --resume run/iter_000010
python3 -m venv venv && venv/bin/pip install -q tensorboard 'setuptools<81' >pip.log 2>&1 || { cat pip.log; fail "TensorBoard cannot be installed"; }
venv/bin/python - <<'P' || fail "what TensorBoard read"
import csv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator("run")
events.Reload()
rows = list(csv.DictReader(open("run/metrics.csv")))
for phase in ("train", "test"):
    for name in ("loss", "accuracy"):
        read = [(e.step, round(e.value, 4)) for e in events.Scalars(f"{phase}/{name}")]
        written = [(int(r["iteration"]), round(float(r[name]), 4)) for r in rows if r["phase"] == phase]
        assert read == written, (phase, name, read, written)
assert [e.step for e in events.Scalars("p")] == [5, 10, 15, 20]
P
((failures == 0))
