#!/usr/bin/env bash
# examples.sh FOLDER SOURCE STRIP: the small programs that teach, as their first comments say.
set -uo pipefail
bin=$1 source=$2 strip=$3 program=$1/mnist
source "$(dirname "$0")/common.sh"
mkdir data
ln -s "$source/data/mnist-sample" data/mnist-sample
above() { python3 -c 'import sys; sys.exit(not float(sys.argv[1].split()[-1]) > float(sys.argv[2]))' "$(tail -n 1 out)" "$1" || fail "$2: $(tail -n 1 out)"; }
run() { "$bin/$1" "${@:2}" >out 2>err || fail "$*"; [[ ! -s err ]] || fail "$*: wrote to standard error"; }

run own_loop
grep -q '^3 of 3 sites open' out || fail "own_loop: its sites"
above 0.9 own_loop
run own_layer
grep -q ', 0 wrong' out || fail "own_layer: gradients"
above 0.85 own_layer

works train --depth 1 --iterations 150 --test-interval 0 --out base
run finetune base/model.safetensors
grep -q 'stays as it was filled: fc4.weight: 2x500x1x1 in the network, 10x500x1x1 in the file\|stays as it was filled: fc4.weight: 2x500 in the network, 10x500 in the file' out || fail "finetune: the new head"
above 0.95 finetune

works train --depth 5 --new-filler xavier --growth none --iterations 200 --test-interval 0 --out deep
python3 - <<'P'
import struct, zlib
rows = b"".join(b"\0" + bytes(255 if 13 <= c <= 15 and 4 <= r < 24 else 0 for c in range(28)) for r in range(28))
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open("one.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
P
run embed deep/model.safetensors one.png
[[ $(cat out) == "1 (probability "* ]] || fail "embed: $(cat out)"
works predict --depth 5 --weights deep/model.safetensors one.png
"$bin/embed" base/model.safetensors one.png >out 2>err && fail "embed: another network's weights"
"$bin/embed" deep/model.safetensors nofile.png >out 2>err && fail "embed: no image"
cp "$bin/embed" small && "$strip" small
size=$(stat -c %s small)
((size < 1000000)) || fail "embed: $size bytes, stripped"
echo "embed: $size bytes, stripped"
((failures == 0))
