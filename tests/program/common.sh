# Sourced by the programs' tests, with `program` set: a folder of its own, and what is asked of every command.
name=$(basename "$program")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset DROPNET_DATA
failures=0
fail() { echo "FAILED: $1"; cat out err 2>/dev/null; failures=$((failures + 1)); }

# mistake CODE TEXT ARGUMENT...: the exit code, and exactly one line on standard error that holds the text.
mistake() {
  local code=$1 text=$2 got
  shift 2
  "$program" "$@" >out 2>err
  got=$?
  [[ $got == "$code" ]] || fail "$name $*: exit code $got, not $code"
  [[ $(wc -l <err) == 1 ]] || fail "$name $*: not one line on standard error"
  grep -qF -- "$text" err || fail "$name $*: expected: $text"
}
works() {
  "$program" "$@" >out 2>err || fail "$name $*"
  [[ ! -s err ]] || fail "$name $*: wrote to standard error"
}
# few_images SOURCE: data/mnist-sample with 160 images of the real one's to learn from, 40 to test.
few_images() {
  mkdir -p data/mnist-sample
  python3 - "$1/data/mnist-sample" <<'P'
import struct, sys
for name, count in (("train", 160), ("t10k", 40)):
    for kind, head, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
        data = open(f"{sys.argv[1]}/{name}-{kind}-ubyte", "rb").read(head + count * size)
        open(f"data/mnist-sample/{name}-{kind}-ubyte", "wb").write(data[:4] + struct.pack(">I", count) + data[8:])
P
}
