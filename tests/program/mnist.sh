#!/usr/bin/env bash
# mnist.sh PROGRAM SOURCE [light]: the program as a user meets it: outputs, files, one line per mistake, exit codes.
# light, for slow builds: on a few images, without a look at what was learned.
set -uo pipefail
program=$1 source=$2 light=${3-}
source "$(dirname "$0")/common.sh"
mkdir data
if [[ $light ]]; then
  python3 - "$source/data/mnist-sample" <<'P'
import os, struct, sys
os.mkdir("data/mnist-sample")
for name, count in (("train", 160), ("t10k", 40)):
    for kind, head, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
        data = open(f"{sys.argv[1]}/{name}-{kind}-ubyte", "rb").read(head + count * size)
        open(f"data/mnist-sample/{name}-{kind}-ubyte", "wb").write(data[:4] + struct.pack(">I", count) + data[8:])
P
else
  ln -s "$source/data/mnist-sample" data/mnist-sample
fi
mistake 2 "subcommand is required"
mistake 2 "--depht" train --depht 3
mistake 2 "Value 0 not in range 1 to 500" train --depth 0
mistake 2 "501" train --depth 501
mistake 2 "--batch" train --batch 0
mistake 2 "--dropin-length" train --dropin-length -1
mistake 2 "--dropin-p" train --dropin-p 1.5
mistake 2 "--growth" train --growth sudden
mistake 2 "'foo' is no filler" train --filler foo
mistake 2 "'x' in 'gaussian:x' is not a number" train --new-filler gaussian:x
mistake 2 "no learning-rate policy" train --lr-policy cosine
mistake 2 "positive whole number" train --lr-policy step:0.1:0
mistake 2 "--weights" test
mistake 2 "nofile" test --weights nofile
mistake 1 "cannot be opened" train --data nowhere
mistake 1 "the folder cannot be made" train --depth 1 --iterations 1 --out /dev/null/x
mistake 3 "diverged: iteration" train --depth 1 --lr 10000 --iterations 100 --out diverged --test-interval 0
[[ ! -e diverged/model.safetensors ]] || fail "a diverged run must not write a model"
(mkdir elsewhere && cd elsewhere && "$program" train >../out 2>../err; [[ $? == 1 ]]) || fail "without data"
grep -qF "none of data/mnist, data/mnist-sample is there; get it with data/fetch mnist" err || fail "where data was looked for"
DROPNET_DATA=$folder/none "$program" train --depth 1 --iterations 1 --test-interval 0 --out first >out 2>err || fail "falls back to data/"

works --help
works --version
for command in train test predict time summary; do works $command --help; done
works train --depth 1 --iterations 60 --batch 16 --display 20 --test-interval 40 --out first --note "a note"
[[ $(tail -n 1 out) =~ ^final\ accuracy\ [01]\.[0-9]{4}$ ]] || fail "the last line"
[[ $(sed -n 2p first/metrics.csv) == iteration,phase,loss,accuracy,learning_rate,p,images_per_second,seconds,waited ]] || fail "the CSV's head"
[[ $(tail -n +3 first/metrics.csv | cut -d, -f1,2 | tr '\n' ' ') == "0,test 20,train 40,train 40,test 60,train 60,test " ]] || fail "the CSV's lines"
accuracy=$(tail -n 1 out)
works test --depth 1 --weights first/model.safetensors
[[ "final $(tail -n 1 out)" == "$accuracy" ]] || fail "test must repeat the final accuracy"

# The same bytes on one thread and two, and from one run to the next.
for run in one:1 two:2; do
  works train --depth 2 --relu --growth staggered --dropin-length 4 --dropin-mask bernoulli --iterations 12 --batch 16 --test-interval 0 --seed 7 \
    --threads ${run#*:} --out ${run%:*}
done
cmp one/model.safetensors two/model.safetensors || fail "threads change the weights"

# LeNet's weights go into LeNet(4); another depth is refused by test.
works train --depth 2 --iterations 2 --batch 8 --test-interval 0 --weights first/model.safetensors --out grown
grep -qF "8 of 12 tensors copied" out || fail "weights by name"
mistake 1 "was it trained with another --depth?" test --depth 3 --weights first/model.safetensors
head -c 1000 first/model.safetensors >broken.safetensors
mistake 1 "broken.safetensors" test --depth 1 --weights broken.safetensors

works summary --depth 5
grep -qE '^total +535,760 ' out || fail "the summary's total"
works time --depth 1 --iterations 2 --batch 8
grep -qE '^conv1_1 +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$' out || fail "time's lines"

# A white bar on black is a one; the same, black on white and of another size, with --invert.
works train --depth 1 --iterations $([[ $light ]] && echo 2 || echo 200) --test-interval 0 --out model
python3 - <<'P'
import struct, zlib
def png(path, size, ink, paper):
    rows = b""
    for r in range(size):
        rows += b"\0" + bytes(ink if 0.46 < c / size < 0.56 and 0.15 < r / size < 0.85 else paper for c in range(size))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
png("one.png", 28, 255, 0)
png("black.png", 112, 0, 255)
P
works predict --depth 1 --weights model/model.safetensors one.png
grep -qE '^one.png: [0-9] \(probability 0\.[0-9]{3}\)$' out || fail "predict's line"
[[ $light ]] || grep -qF 'one.png: 1 ' out || fail "predict"
works predict --depth 1 --weights model/model.safetensors --invert black.png
[[ $light ]] || grep -qF 'black.png: 1 ' out || fail "predict --invert"
mistake 1 "a JPEG or PNG image is needed" predict --depth 1 --weights model/model.safetensors "$program"

((failures == 0))
