#!/bin/sh
# Builds a CPython, with an OpenSSL and an SQLite of its own, under /opt/relay of a Debian root, from the source
# packages of packaging/sources.txt.
#
#   python.sh MACHINE BUILD ROOT     for the ROOT of MACHINE, with the compiler in the root BUILD, which
#                                    is the same one unless MACHINE is not this one; as root
#
# SOURCES is a folder of source packages that the mirror lacks, build/package/sources by default.
set -eu

# It reads no configuration; certificates it looks for in /etc/ssl.
openssl_options="shared no-tests no-autoload-config no-engine no-module no-legacy no-comp no-dtls
    no-srp no-idea no-seed no-camellia no-aria no-bf no-cast no-rc2 no-rc4 no-md4 no-mdc2 no-rmd160
    no-whirlpool no-sm2 no-sm3 no-sm4 no-cmp no-ts no-ssl-trace"

# For tables of one connection and statements of our own: docs/decisions/0027-sqlite-in-the-packages.rst has the
# reason for each, and for those that SQLite recommends and that are not here.
sqlite_options="--disable-shared --disable-tcl --disable-readline --disable-load-extension --disable-json
    --disable-math --with-tempstore=yes"
sqlite_defines="-DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_DEPRECATED \
    -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_USE_ALLOCA"

# Modules that neither the relay uses nor PyInstaller.
python_without="readline _tkinter _curses _curses_panel _dbm _gdbm _lzma _bz2 _uuid nis"

# What Debian builds its own packages with: a damaged stack, an overflow of a buffer whose size is known
# and writes to the table of functions end the process.
hard_to_exploit="-fstack-protector-strong -D_FORTIFY_SOURCE=2"
hard_to_patch="-Wl,-z,relro,-z,now"

machine=$1
if [ $# -gt 1 ]; then
    build=$2 root=$3 log=$3-python.log
    mkdir -p "$build/usr/src/brought"
    cp "$0" "$(dirname "$0")/sources.txt" "$build/usr/src"
    find "${SOURCES:-build/package/sources}" -type f -exec cp {} "$build/usr/src/brought" \; 2>/dev/null || true
    # Progress goes to the terminal, compiler output to the log.
    chroot "$build" sh /usr/src/python.sh "$machine" 3>&1 >"$log" 2>&1 || {
        [ $? -eq 2 ] || tail -n 15 "$log" >&2
        echo "python.sh: the build failed; all of its output is in $log" >&2
        exit 1
    }
    [ "$build" = "$root" ] || cp -r "$build/opt/$machine/opt/relay" "$root/opt/relay"
    echo /opt/relay/lib > "$root/etc/ld.so.conf.d/relay.conf"
    chroot "$root" ldconfig
    chroot "$root" /opt/relay/bin/python3.13 -c "import hashlib, ssl, sqlite3, zlib
print('python.sh: built with', ssl.OPENSSL_VERSION, 'and SQLite', sqlite3.sqlite_version)"
    exit
fi

export LC_ALL=C SOURCE_DATE_EPOCH=1700000000 DEBIAN_FRONTEND=noninteractive
jobs=$(nproc)
mkdir -p "/usr/src/$machine"
cd "/usr/src/$machine"
rm -rf openssl sqlite3 python3.13

say() { echo "python.sh: $*"; echo "python.sh: $*" >&3; }

# A failure with a known reason; the log has no more.
fail() { say "$*"; exit 2; }

# The sources are newer Debians'. They are compared with the sums, so neither signature nor date matters.
mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' /etc/apt/sources.list | head -n 1)
awk '/^[^#]/ { print $3 }' ../sources.txt | sort -u | while read -r suite; do
    echo "deb-src [trusted=yes check-valid-until=no] $mirror $suite main"
    echo "deb-src [trusted=yes check-valid-until=no] $mirror $suite-updates main"
    echo "deb-src [trusted=yes check-valid-until=no] $mirror-security $suite-security main"
done > /etc/apt/sources.list.d/sources.list

if [ "$machine" = "$(uname -m)" ]; then
    into='' openssl_cross='' sqlite_cross='' python_cross=''
    echo /opt/relay/lib > /etc/ld.so.conf.d/relay.conf
else
    debian=$([ "$machine" = aarch64 ] && echo arm64 || echo amd64)
    dpkg --add-architecture "$debian"
    into=/opt/$machine
    openssl_cross="--cross-compile-prefix=$machine-linux-gnu-"
    sqlite_cross="--host=$machine-linux-gnu --build=$(uname -m)-linux-gnu"
    # The last three cannot be found out without a machine of that kind.
    python_cross="$sqlite_cross
        --with-build-python=/opt/relay/bin/python3.13 ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no
        ac_cv_buggy_getaddrinfo=no"
fi
apt-get -qq -o APT::Update::Error-Mode=any update || fail "the mirror $mirror cannot be reached. Is the network there? Then run make again"
[ -z "$into" ] || apt-get -qq install --no-install-recommends "gcc-$machine-linux-gnu" \
    "zlib1g-dev:$debian" "libffi-dev:$debian"

is_ours() {
    echo "$2  $1" | sha256sum --check --quiet ||
        fail "$1 is not what it was when its sum was written into packaging/sources.txt"
}

# unpack NAME: its source, patched as Debian does it, in the folder NAME; and a line about it in the licences.
unpack() {
    name=$1
    # shellcheck disable=SC2046  # the words of one line
    set -- $(sed -n "s/^$name //p" ../sources.txt)
    version=$1 sum=$3 without_patches=${4:-}
    dsc=${name}_${version#*:}.dsc
    if cp ../brought/"${name}_"* . 2>/dev/null || apt-get -qq source --download-only "$name=$version"; then
        is_ours "$dsc" "$sum"
        # It compares the other files with the sums in the .dsc.
        dpkg-source --extract "$dsc" "$name"
        about="with Debian's patches: $(grep -v '^#' "$name/debian/patches/series" | paste -sd ' ')"
    elif [ -n "$without_patches" ] && apt-get -qq source --download-only --tar-only "$name=$version"; then
        say "WARNING: the mirror lacks the patches of $name $version, so it is built without Debian's" \
            "security fixes. Such a package is for tests, not for a release. Put the files of this version from" \
            "another mirror or snapshot.debian.org into build/package/sources, then: rm -r build/package/build-*"
        orig=${name}_${version%%-*}.orig.tar.gz
        is_ours "$orig" "$without_patches"
        mkdir "$name"
        tar -x --strip-components=1 -C "$name" -f "$orig"
        about="without Debian's patches"
    else
        fail "the mirror does not have the source of $name $version. Debian removes a source when there is a" \
            "newer version: see make package-outdated, and pin that in packaging/sources.txt. Or put the files of this" \
            "version from another mirror or snapshot.debian.org into build/package/sources"
    fi
    mkdir -p "$into/opt/relay/licences"
    echo "$name $version, $about" >> "$into/opt/relay/licences/Sources.txt"
    say "building $name $version for $machine, ${about%%:*}"
}

rm -f "$into/opt/relay/licences/Sources.txt"
unpack openssl
cd openssl
# Debian links without -Bsymbolic, for programs with two OpenSSLs in them. With it, the library is 3 % smaller.
# shellcheck disable=SC2086  # lists
./Configure "linux-$machine" --prefix=/opt/relay --libdir=lib --openssldir=/etc/ssl \
    $openssl_options $openssl_cross $hard_to_exploit $hard_to_patch -Wl,-Bsymbolic
make --silent --jobs="$jobs" build_libs
make --silent install_dev DESTDIR="$into"
ldconfig
cd ..

unpack sqlite3
cd sqlite3
# shellcheck disable=SC2086  # lists
./configure $sqlite_options $sqlite_cross CFLAGS="-O2 $hard_to_exploit"
make --silent libsqlite3.a OPTIONS="$sqlite_defines"
cd ..

unpack python3.13
cd python3.13
for module in $python_without; do
    export "py_cv_module_$module=n/a"
done
# SQLite is within the one module that uses it: nothing else of it is called, or in the package.
LIBSQLITE3_CFLAGS=-I$PWD/../sqlite3
LIBSQLITE3_LIBS="-L$PWD/../sqlite3 -lsqlite3 -lpthread -Wl,--exclude-libs,libsqlite3.a"
export LIBSQLITE3_CFLAGS LIBSQLITE3_LIBS
# Without interposition, calls within libpython cost no more than in a program that has it inside.
# shellcheck disable=SC2086  # a list
./configure --quiet --prefix=/opt/relay --enable-shared --with-openssl="$into/opt/relay" \
    --without-doc-strings --disable-test-modules --with-ensurepip=no \
    CFLAGS="-O2 -fno-semantic-interposition $hard_to_exploit" LDFLAGS_NODIST="$hard_to_patch" $python_cross
make --silent --jobs="$jobs"
make --silent altinstall DESTDIR="$into"
ldconfig
cd ..

licences=$into/opt/relay/licences
cp openssl/LICENSE.txt "$licences/OpenSSL.txt"
# It is in the public domain, as this says; what is under a licence makes SQLite, and is not in it.
cp sqlite3/LICENSE.md "$licences/SQLite.txt"
cp python3.13/LICENSE "$licences/Python.txt"
cp python3.13/Doc/license.rst "$licences/Python-incorporated.rst"
rm -r openssl sqlite3 python3.13
