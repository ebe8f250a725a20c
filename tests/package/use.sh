#!/usr/bin/env bash
# use.sh WAY SOURCE BUILD COMPILER: a project in an empty folder uses dropnet in the given way.
set -euo pipefail
way=$1 source=$2 build=$3 compiler=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cp "$source/tests/package/program.cpp" .
project() {
  printf 'cmake_minimum_required(VERSION 3.22)\nproject(user CXX)\n%s\nadd_executable(program program.cpp)\ntarget_link_libraries(program dropnet::dropnet)\n' "$1" >CMakeLists.txt
  shift
  cmake -G Ninja -B out -DCMAKE_CXX_COMPILER="$compiler" "$@" >log 2>&1 || { cat log; exit 1; }
  cmake --build out >log 2>&1 || { cat log; exit 1; }
  ./out/program
}
case $way in
  bare)
    "$compiler" -std=c++20 -I "$source/include" -I /usr/include/eigen3 program.cpp -o program -pthread
    ./program ;;
  subdirectory)
    project "add_subdirectory($source dropnet)"
    # Our programs, tests and flags are not the user's.
    if ls out/dropnet/bin out/dropnet/tests 2>/dev/null | grep -q .; then echo "dropnet's own programs were built"; exit 1; fi
    if grep -q -- '-Werror\|march=native' out/build.ninja; then echo "dropnet's own flags leaked"; exit 1; fi ;;
  installed)
    cmake --install "$build" --prefix "$folder/prefix" >/dev/null
    project "find_package(dropnet 0.1 REQUIRED)" -DCMAKE_PREFIX_PATH="$folder/prefix" ;;
esac
