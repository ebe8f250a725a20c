#!/usr/bin/env bash
# check.sh COMPILER NAME MESSAGE: NAME.cpp must fail with the message (and, where shapes are compared, both of them),
# and compile when it is corrected. FLAGS holds the compiler's flags.
set -u
compiler=$1 name=$2 message=$3
source=$(dirname "$0")/$name.cpp
# shellcheck disable=SC2086
if output=$($compiler $FLAGS -fsyntax-only "$source" 2>&1); then
  echo "$name: compiled, but must not"
  exit 1
fi
if ! grep -qF "$message" <<<"$output"; then
  echo "$name: the message is missing: $message"
  echo "$output" | head -40
  exit 1
fi
case $name in
  *_shapes)
    shapes=$(grep -oE 'Image<[0-9]+, [0-9]+, [0-9]+>' <<<"$output" | sort -u | wc -l)
    ((shapes >= 2)) || { echo "$name: both shapes must be shown"; echo "$output" | head -40; exit 1; } ;;
esac
# shellcheck disable=SC2086
$compiler $FLAGS -DCORRECTED -fsyntax-only "$source" || { echo "$name: the corrected twin does not compile"; exit 1; }
