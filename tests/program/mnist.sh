#!/usr/bin/env bash
# mnist.sh PROGRAM SOURCE [light]: the program as a user meets it: outputs, files, one line per mistake, exit codes.
# light, for slow builds: on a few images, without a look at what was learned.
set -uo pipefail
program=$1 source=$2 light=${3-}
source "$(dirname "$0")/common.sh"
if [[ $light ]]; then
  few_images "$source"
else
  mkdir data
  ln -s "$source/data/mnist-sample" data/mnist-sample
fi
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
grep -qE '^conv1_1 +[0-9.]+ +[0-9.]+ +direct +[0-9.]+ +[0-9.]+ +direct$' out || fail "time's lines"
grep -qE '^conv2_1 .* winograd$' out || fail "time's kernels"

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
