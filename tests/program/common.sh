# Sourced by the programs' tests, with `program` set: a folder of its own, and what is asked of every command.
name=$(basename "$program")
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
