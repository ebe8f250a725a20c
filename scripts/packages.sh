# Debian and Ubuntu packages, by use.
build_packages=(g++ cmake ninja-build git libeigen3-dev libstb-dev libcli11-dev nlohmann-json3-dev)
plot_packages=(python3-matplotlib)
test_packages=(clang doctest-dev python3 curl pkgconf)
slow_test_packages=(libc++-dev libc++abi-dev python3-torch python3-venv g++-aarch64-linux-gnu qemu-user)
