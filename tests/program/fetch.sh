#!/usr/bin/env bash
# fetch.sh SOURCE: data/fetch over file:// with made-up files.
set -euo pipefail
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir data mirror
cp "$source/data/fetch" data/
printf 'from file://%s/nowhere\nfolder mnist\n' "$folder" >data/mnist.files
for name in images labels; do
  seq 1 20000 | sed "s/^/$name /" >raw-$name
  gzip -n <raw-$name >mirror/$name.gz
  echo "file $name sha256 $(sha256sum <raw-$name | cut -d' ' -f1) md5 $(md5sum <mirror/$name.gz | cut -d' ' -f1)" >>data/mnist.files
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

# CIFAR-10: files in one archive, one of them known by git's id of its content.
mkdir packed packed/batches
for name in one two; do seq 1 20000 | sed "s/^/$name /" >packed/batches/$name.bin; done
echo "not asked for" >packed/batches/readme.html
tar czf mirror/batches.tar.gz -C packed batches
{
  printf 'from file://%s/nowhere\narchive batches.tar.gz\nfolder batches\n' "$folder"
  echo "file one.bin sha256 $(sha256sum <packed/batches/one.bin | cut -d' ' -f1)"
  echo "file two.bin blob $(git hash-object packed/batches/two.bin)"
} >data/cifar10.files
DROPNET_MIRROR= data/fetch cifar10 >log 2>&1 && fail "a missing archive must be an error"
expect "could not be had"
data/fetch cifar10 >log 2>&1 || fail "fetch cifar10"
cmp packed/batches/one.bin data/batches/one.bin && cmp packed/batches/two.bin data/batches/two.bin
[[ $(ls data/batches) == $'one.bin\ntwo.bin' ]] || fail "nothing else may stay"
data/fetch cifar10 >log 2>&1 || fail "cifar10 again"
expect "two.bin: there"
echo damaged >data/batches/two.bin
head -c 5000 mirror/batches.tar.gz >data/batches/batches.tar.gz.part
data/fetch cifar10 >log 2>&1 || fail "a damaged file is fetched again, going on from a part"
cmp packed/batches/two.bin data/batches/two.bin
rm data/batches/one.bin
echo other >>packed/batches/one.bin
tar czf mirror/batches.tar.gz -C packed batches
data/fetch cifar10 >log 2>&1 && fail "another file must be refused"
expect "one.bin does not unpack to the original"
[[ $(ls data/batches) == two.bin ]] || fail "a refused file must not stay"
head -c 5000 mirror/batches.tar.gz >mirror/half && mv mirror/half mirror/batches.tar.gz
data/fetch cifar10 >log 2>&1 && fail "half an archive must be refused"
expect "damaged"
