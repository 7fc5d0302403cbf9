#!/bin/sh
# Builds the compiled twins of the relay, with the compiler of a Debian root in which python.sh was.
#
#   native.sh MACHINE BUILD WORK     WORK: where bundle.sh has put source and tools for MACHINE; as root
#
# For another kind of machine than BUILD's they are translated and compiled there, as python.sh does it.
set -eu

machine=$1 build=$2 work=$3
folder=/native-$machine

rm -rf "${build:?}$folder"
mkdir "$build$folder"
cp -r "$work/source" "$work/tools" "$build$folder"
cp setup.py setup.cfg README.rst LICENSE "$build$folder/source"
set -- "LDFLAGS=-s -Wl,-z,relro,-z,now"
if [ "$machine" != "$(uname -m)" ]; then
    set -- "$@" "CC=$machine-linux-gnu-gcc" "LDSHARED=$machine-linux-gnu-gcc -shared" \
        "CFLAGS=-I/opt/$machine/opt/relay/include/python3.13" \
        "SETUPTOOLS_EXT_SUFFIX=.cpython-313-$machine-linux-gnu.so"
fi
chroot "$build" env -C "$folder/source" PYTHONPATH="$folder/tools" PYTHONHASHSEED=0 LC_ALL=C \
    BUILD_NATIVE=require "$@" /opt/relay/bin/python3.13 setup.py build_ext --inplace >"$work/native.log" 2>&1 || {
    tail -n 15 "$work/native.log" >&2
    exit 1
}
cp "$build$folder"/source/vaultrelay/native/*.so "$work/source/vaultrelay/native"
