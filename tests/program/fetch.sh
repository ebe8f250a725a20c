#!/usr/bin/env bash
# fetch.sh SOURCE: data/fetch over file:// with made-up files.
set -euo pipefail
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir data mirror
cp "$source/data/fetch" data/
echo "from file://$folder/nowhere" >data/mnist.files
for name in images labels; do
  seq 1 20000 | sed "s/^/$name /" >raw-$name
  gzip -n <raw-$name >mirror/$name.gz
  echo "$name $(md5sum <mirror/$name.gz | cut -d' ' -f1) $(sha256sum <raw-$name | cut -d' ' -f1)" >>data/mnist.files
done
fail() { echo "fetch.sh: $1"; cat log; exit 1; }
expect() { grep -qF "$1" log || fail "expected: $1"; }

data/fetch >log 2>&1 && fail "no set must be an error"
expect "usage: data/fetch mnist"
data/fetch mnist >log 2>&1 && fail "a missing mirror must be an error"
expect "could not be had"

export DROPNET_MIRROR=file://$folder/mirror
data/fetch mnist >log 2>&1 || fail "fetch"
cmp raw-images data/mnist/images && cmp raw-labels data/mnist/labels
data/fetch mnist >log 2>&1 || fail "again"
expect "images: there"

rm data/mnist/images
head -c 5000 mirror/images.gz >data/mnist/images.gz.part
data/fetch mnist >log 2>&1 || fail "going on from a part"
cmp raw-images data/mnist/images

echo damaged >data/mnist/labels
data/fetch mnist >log 2>&1 || fail "a damaged file is fetched again"
cmp raw-labels data/mnist/labels

rm data/mnist/images
echo "not the file" | gzip -n >mirror/images.gz
data/fetch mnist >log 2>&1 && fail "another file must be refused"
expect "md5 differs"
[[ ! -e data/mnist/images ]] || fail "a refused file must not stay"
