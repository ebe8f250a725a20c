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
  if [[ $way == cuda ]]; then sed -i 's/dropnet::dropnet/dropnet::cuda/' CMakeLists.txt; fi
  cmake -G Ninja -B out -DCMAKE_CXX_COMPILER="$compiler" "$@" >log 2>&1 || { cat log; exit 1; }
  cmake --build out >log 2>&1 || { cat log; exit 1; }
  if [[ $way != cuda ]] || ./out/program >log 2>&1; then ./out/program; return; fi
  # No GPU here: the program starts all the same, and says so in one line.
  cat log
  [[ $(wc -l <log) == 1 ]] && grep -q '^dropnet: Cuda: .*; .*use the CPU$' log
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
    # Into one folder, used from another: an installed package may be moved. A version that is not there is refused.
    cmake --install "$build" --prefix "$folder/first" >/dev/null
    mv first prefix
    if grep -rF "$folder/first" prefix; then echo "the package knows where it was installed"; exit 1; fi
    if (project "find_package(dropnet 9.0 REQUIRED)" -DCMAKE_PREFIX_PATH="$folder/prefix" >refused); then echo "version 9.0 was accepted"; exit 1; fi
    grep -q 'version: 0\.1' refused
    rm -r out
    project "find_package(dropnet 0.1 REQUIRED)" -DCMAKE_PREFIX_PATH="$folder/prefix" ;;
  pkgconfig)
    cmake --install "$build" --prefix "$folder/first" >/dev/null
    mv first prefix
    export PKG_CONFIG_PATH=$folder/prefix/share/pkgconfig
    pkg-config --atleast-version 0.1 dropnet
    # shellcheck disable=SC2046
    "$compiler" -std=c++20 program.cpp -o program $(pkg-config --cflags --libs dropnet)
    ./program ;;
  fetched)
    git -C "$source" rev-parse HEAD >commit
    project "include(FetchContent)
FetchContent_Declare(dropnet GIT_REPOSITORY file://$source GIT_TAG $(cat commit))
FetchContent_MakeAvailable(dropnet)" ;;
  debug_gcc | release_gcc | debug_clang | release_clang)
    compiler=$([[ $way == *_gcc ]] && echo g++ || echo clang++)
    cmake --install "$build" --prefix "$folder/prefix" >/dev/null
    project "find_package(dropnet 0.1 REQUIRED)" -DCMAKE_PREFIX_PATH="$folder/prefix" -DCMAKE_BUILD_TYPE="$([[ $way == debug_* ]] && echo Debug || echo Release)" ;;
  libcxx)
    # LLVM's standard library, which lacks what GNU's has.
    for header in "$source"/include/dropnet/*.hpp; do
      if [[ $header != */cuda.hpp ]]; then echo "#include <dropnet/${header##*/}>"; fi
    done >headers.cpp
    libcxx=(clang++ -stdlib=libc++ -std=c++20 -I "$source/include" -isystem /usr/include/eigen3 -isystem /usr/include/stb)
    "${libcxx[@]}" -Wall -Wextra -Wconversion -Werror -fsyntax-only headers.cpp
    "${libcxx[@]}" program.cpp -o program -pthread
    ./program ;;
  cuda)
    cmake --install "$build" --prefix "$folder/prefix" >/dev/null
    sed -i 's|#include <dropnet/dropnet.hpp>|&\n#include <dropnet/cuda.hpp>|; s|dn::Image<1, 6, 6>> net|dn::Image<1, 6, 6>, dn::Cuda> net|; s|, dropnet::Cpu(2)||; s|int main() {|int main() try {|; $ s|^}|} catch (const std::exception\& e) {\n  std::puts(e.what());\n  return 1;\n}|' program.cpp
    project "find_package(dropnet 0.1 REQUIRED COMPONENTS cuda)" -DCMAKE_PREFIX_PATH="$folder/prefix"
    if grep -q 'nvcc\|CUDA_COMPILER' out/build.ninja; then echo "nvcc compiled the user's program"; exit 1; fi ;;
esac
