#!/usr/bin/env bash
# cifar10.sh PROGRAM: the program on made-up images: outputs, files, one line per mistake, exit codes. What it shares with
# mnist is tested there.
set -uo pipefail
program=$1
source "$(dirname "$0")/common.sh"

mistake 1 "none of data/cifar-10-batches-bin is there; get it with data/fetch cifar10" train
mkdir -p data/cifar-10-batches-bin
# Of each class 4 images a file: noise around a colour of its own.
python3 - <<'P'
import random, struct, zlib
random.seed(1)
colour = lambda c: (25 * c, 255 - 25 * c, 128 if c % 2 else 20)
for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
    with open(f"data/cifar-10-batches-bin/{name}.bin", "wb") as f:
        for n in range(40):
            f.write(bytes([n % 10]))
            for channel in colour(n % 10):
                f.write(bytes(max(0, min(255, channel + random.randint(-20, 20))) for _ in range(1024)))
rows = b"".join(b"\0" + bytes(colour(9)) * 40 for _ in range(40))
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open("truck.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
P
mistake 2 "--net" train --net resnet
mistake 2 "--workers" train --workers -1
mistake 2 "--pad" train --pad -1
mistake 2 "is not SITE:START:LENGTH" train --dropin-sites 0:1
mistake 1 "there is no site 7; the network has 5" train --net cifar10-deep-pooled --dropin-sites 7:0:1
mistake 1 "cannot be opened" train --data nowhere

few=(--iterations 3 --batch 5 --display 1 --test-interval 0 --seed 3 --pad 4 --mirror)
works train --net cifar10 "${few[@]}" --workers 0 --out none
grep -qF "200 training and 40 test images" out || fail "what was loaded"
[[ $(sed -n 1p none/metrics.csv) == iteration,phase,loss,accuracy,learning_rate,p,images_per_second,seconds,waited ]] || fail "the CSV's head"
for workers in 1 3; do
  works train --net cifar10 "${few[@]}" --workers $workers --threads 2 --out workers$workers
  cmp none/model.safetensors workers$workers/model.safetensors || fail "$workers workers change the weights"
done
# A site ramps, the others stand; the deep net on a few images.
works train --net cifar10-deep-pooled --iterations 2 --batch 2 --display 1 --test-interval 0 --train-images 20 --dropin-sites 0:0:4,4:1:2 --dropin-mask channel --out deep
grep -qF "11 conv layers, 261,866 parameters, 5 DropIn sites" out || fail "the deep net"
grep -qF "20 training and 40 test images" out || fail "--train-images"
mistake 1 "was it trained with another --net?" test --net cifar10-full --weights none/model.safetensors

# What is said of test images that are not exact stands beside the accuracy.
echo "1 5" >data/cifar-10-batches-bin/test_not_exact.txt
works train --net cifar10-full --iterations 60 --batch 20 --lr 0.001 --lr-policy fixed --filler gaussian:0.03 --new-filler gaussian:0.03 \
  --growth none --second-dropout 0 --display 0 --test-interval 0 --out full
grep -qF "2 of the test images here are not exact copies" out || fail "the note"
accuracy=$(tail -n 1 out)
works test --net cifar10-full --weights full/model.safetensors
[[ "final $(tail -n 1 out)" == "$accuracy" ]] || fail "test must repeat the final accuracy: the mean image is in the model file"
works test --net cifar10-full --on train --train-images 50 --weights full/model.safetensors
grep -qF "50 images" out || fail "--on train"
works predict --net cifar10-full --weights full/model.safetensors truck.png
grep -qE '^truck.png: [a-z]+ \(probability [01]\.[0-9]{3}\)$' out || fail "predict's line"

works images --out sheet.png --rows 3 --pad 4 --mirror
python3 - <<'P' || fail "the sheet's size"
import struct
head = open("sheet.png", "rb").read(24)
assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:]) == (10 * 34 + 2, 3 * 34 + 2)
P
works summary --net cifar10-deep
grep -qE '^total +415,466 ' out || fail "the summary's total"

((failures == 0))
