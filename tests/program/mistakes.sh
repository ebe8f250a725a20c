#!/usr/bin/env bash
# mistakes.sh PROGRAM SOURCE: what mistakes.txt lists, and disks that are full.
set -uo pipefail
program=$1 source=$2
source "$(dirname "$0")/common.sh"
few_images "$source"
works train --depth 1 --iterations 1 --batch 8 --test-interval 0 --out one
cp one/model.safetensors .
works train --depth 2 --iterations 4 --batch 8 --snapshot 2 --keep 0 --test-interval 0 --out run
mkdir -p broken/idx broken/short broken/solver
head -c 1000 model.safetensors >broken/model.safetensors
cp data/mnist-sample/* broken/short
head -c 5000 data/mnist-sample/train-images-idx3-ubyte >broken/short/train-images-idx3-ubyte
for f in data/mnist-sample/*; do printf 'no idx file, as anyone can see' >broken/idx/"$(basename "$f")"; done
cp run/latest/* broken/solver
head -c 900 run/latest/solver.safetensors >broken/solver/solver.safetensors
python3 - <<'P'
import json, struct
header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
open("broken/other.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + bytes(4))
P
count=0
while IFS='|' read -r code text arguments; do
  [[ $code == \#* || -z $code ]] && continue
  text=${text# } text=${text% }
  # shellcheck disable=SC2086
  mistake "${code% }" "$text" $arguments
  count=$((count + 1))
done <"$here/mistakes.txt"
((count > 40)) || fail "mistakes.txt was not read"
[[ ! -e diverged/model.safetensors && -e diverged/latest/model.safetensors ]] || fail "a diverged run keeps its good checkpoints and writes no model"

# No room for the checkpoints: said before the first iteration.
(ulimit -f 2000; exec "$program" train --depth 1 --iterations 50 --batch 8 --out full --test-interval 0) >out 2>err
[[ $? == 1 && $(wc -l <err) == 1 ]] || fail "a file-size limit"
grep -qF "there is no room for" err || fail "a file-size limit: the line"
grep -q "iteration" out && fail "a file-size limit: training began"
# Room at the start, none later: one line, and what was written before is still good.
mkdir -p tight
if mount -t tmpfs -o size=16m tmpfs tight 2>/dev/null; then
  "$program" train --depth 1 --iterations 2 --batch 8 --out tight/run --test-interval 0 --snapshot 1 --keep 1 >out 2>err || fail "a small disk"
  head -c 20m /dev/zero >tight/fill 2>/dev/null
  "$program" train --resume tight/run/latest --iterations 4 >out 2>err
  [[ $? == 1 && $(wc -l <err) == 1 ]] || fail "a full disk"
  grep -qF "make room" err || fail "a full disk: the line"
  rm tight/fill
  works train --resume tight/run/latest --iterations 3
  umount tight
fi
(mkdir elsewhere && cd elsewhere && "$program" train >../out 2>../err; [[ $? == 1 ]]) || fail "without data"
grep -qF "none of data/mnist, data/mnist-sample is there; get it with data/fetch mnist" err || fail "where data was looked for"
((failures == 0))
