#!/usr/bin/env bash
# imagenet.sh PROGRAM: the program on made-up images: packing them, and that each command sees them. What it shares with mnist is
# tested there.
set -uo pipefail
program=$1
source "$(dirname "$0")/common.sh"

mistake 1 "none of data/imagenet is there; make it of image files with imagenet pack" train
mistake 2 "--net" train --net resnet
mistake 2 "--from" pack --from nowhere
# Of two classes 6 and 2 images, of odd sizes.
python3 - <<'P'
import os, struct, zlib
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
for part, count in (("train", 6), ("val", 2)):
    for name, colour in (("n1", (200, 40, 30)), ("n2", (20, 60, 180))):
        os.makedirs(f"files/{part}/{name}")
        for i in range(count):
            width, height = 70 + i, 90 - 3 * i
            rows = b"".join(b"\0" + bytes(min(255, c + 5 * i + (x * y) % 17) for x in range(width) for c in colour) for y in range(height))
            png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
            open(f"files/{part}/{name}/{i}.png", "wb").write(png)
P
printf 'n1\ttomato, red\nn2\tthe sea\n' >files/classes.txt
works pack --from files --out data/imagenet --size 64
grep -qF "wrote data/imagenet: 12 training and 4 validation images of 64x64 pixels" out || fail "what was packed"
echo "no image" >files/train/n1/damaged.jpg
"$program" pack --from files --out other --size 64 >out 2>err || fail "pack with a damaged file"
grep -qF "left out: files/train/n1/damaged.jpg: " err || fail "the file that was left out"
grep -qF "64x64 pixels; 1 left out" out || fail "how many were left out"
cmp data/imagenet/val-images-idx4-ubyte other/val-images-idx4-ubyte || fail "packing anew gives the same"

mistake 1 "data/imagenet: images of 64x64 pixels; alexnet sees 227x227 of larger ones" train
few=(--net vgg16-64 --batch 4 --display 1 --test-interval 0 --pad 4 --mirror --dropin-start 1 --dropin-length 4 --snapshot 0)
works train "${few[@]}" --iterations 2 --workers 1 --out first
grep -qF "13 conv layers" out || fail "the network"
grep -qF "8 DropIn sites; data/imagenet: 12 training and 4 test images" out || fail "what was loaded"
accuracy=$(tail -n 1 out)
works test --net vgg16-64 --weights first/model.safetensors
[[ "final $(tail -n 1 out)" == "$accuracy" ]] || fail "test must repeat the final accuracy: the mean is in the model file"
works predict --net vgg16-64 --weights first/model.safetensors files/val/n2/0.png
grep -qE '^files/val/n2/0.png: (tomato, red|the sea) \(probability [01]\.[0-9]{3}\)$' out || fail "predict's line"
works images --net vgg16-64 --out sheet.png --rows 2 --pad 4 --mirror
python3 - <<'P' || fail "the sheet's size"
import struct
head = open("sheet.png", "rb").read(24)
assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:]) == (10 * 58 + 2, 2 * 58 + 2)
P
works summary --net alexnet
grep -qE '^total ' out || fail "the summary's total"

((failures == 0))
