#!/usr/bin/env bash
# checkpoints.sh PROGRAM SOURCE: snapshots, exact resume, and being interrupted, as a user does it.
set -uo pipefail
program=$1 source=$2
source "$(dirname "$0")/common.sh"
few_images "$source"
same() { cmp "$1/model.safetensors" "$2/model.safetensors" || fail "$1 and $2 differ"; }
flags="--depth 2 --batch 8 --dropin-length 15 --dropin-mask bernoulli --pad 2 --workers 1 --test-interval 10"

works train $flags --iterations 20 --snapshot 10 --out whole
[[ $(cd whole && echo *) == "best iter_000010 iter_000020 latest metrics.csv model.safetensors" ]] || fail "what a run leaves"
works train $flags --iterations 12 --snapshot 4 --keep 1 --out part
[[ $(readlink part/latest) == iter_000012 ]] || fail "latest"
(cd part && cp metrics.csv before)
# Flags come from the checkpoint; what is free may change; OUT is where the checkpoint lies.
works train --resume part/latest --iterations 20 --snapshot 10 --threads 2
grep -qF "part/latest: goes on behind iteration 12" out || fail "says where it goes on"
same whole/iter_000020 part/iter_000020
head -n "$(wc -l <part/before)" part/metrics.csv | cmp - part/before || fail "metrics.csv must go on"
[[ $(cut -d, -f1,2 part/metrics.csv | tail -n 2 | tr '\n' ' ') == "20,train 20,test " ]] || fail "metrics.csv after a resume"
# `latest` is OUT's; another OUT leaves this one alone.
works train --resume latest --out whole --iterations 20
works train --resume whole/iter_000010 --out other
same whole/iter_000020 other/iter_000020

# The first Ctrl-C finishes the iteration and saves; so does SIGTERM; the second one leaves at once.
for signal in INT TERM; do
  rm -f out
  "$program" train --depth 1 --batch 64 --iterations 100000 --out "sent$signal" --test-interval 0 --display 1 >out 2>err &
  process=$!
  until grep -q '^iteration' out 2>/dev/null; do sleep 0.05; done
  kill -s "$signal" $process
  wait $process
  [[ $? == 130 ]] || fail "SIG$signal: the exit code"
  [[ ! -s err ]] || fail "SIG$signal: wrote to standard error"
  grep -qF "go on with --resume sent$signal/latest" out || fail "SIG$signal: what to do"
  [[ -e sent$signal/latest/solver.safetensors ]] || fail "SIG$signal: a checkpoint"
  [[ ! -e sent$signal/model.safetensors ]] || fail "SIG$signal: it is not done"
done
at=$(readlink sentINT/latest)
works train --resume sentINT/latest --iterations $((10#${at#iter_} + 1)) --quiet
[[ ! -s out ]] || fail "--quiet"

works train --depth 1 --batch 8 --iterations 3 --out colour
NO_COLOR=1 works train --depth 1 --batch 8 --iterations 3 --out colour
grep -q $'\x1b' out && fail "no terminal, no colour"
python3 "$source/scripts/torture" --times 10 --program "$program" >out 2>err || fail "torture"
((failures == 0))
