#!/bin/sh
# Builds a CPython, with an OpenSSL of its own, under /opt/relay of a Debian root.
#
#   python.sh MACHINE BUILD ROOT     for the ROOT of MACHINE, with the compiler in the root BUILD, which
#                                    is the same one unless MACHINE is not this one; as root
set -eu

# When Debian no longer has these versions, read what changed, and name the newer ones. For OpenSSL this is
# the release itself, without what Debian mends in it afterwards: before each release of the relay read its
# list, https://security-tracker.debian.org/tracker/source-package/openssl. What matters there makes it 3.5.
openssl=3.0.22-1~deb12u2
openssl_sum=67ebca7e50d17383028045486653492195b83db95f8558709701bb47b5c1ef81
python=3.13.5-2+deb13u5
python_sum=4be84e20fb902354fa86955e2fbea6e8bdbd158f54833423488308a9b3532662

# OpenSSL 3.0 and not 3.5: a TLS connection takes 7 KB less of memory.
# It reads no configuration; certificates it looks for in /etc/ssl.
openssl_options="shared no-tests no-autoload-config no-engine no-module no-legacy no-comp no-dtls
    no-srp no-idea no-seed no-camellia no-aria no-bf no-cast no-rc2 no-rc4 no-md4 no-mdc2 no-rmd160
    no-whirlpool no-sm2 no-sm3 no-sm4 no-cmp no-ts no-ssl-trace"

# Modules that neither the relay uses nor PyInstaller.
python_without="readline _tkinter _sqlite3 _curses _curses_panel _dbm _gdbm _lzma _bz2 _uuid nis"

# What Debian builds its own packages with: a damaged stack, an overflow of a buffer whose size is known
# and writes to the table of functions end the process.
hard_to_exploit="-fstack-protector-strong -D_FORTIFY_SOURCE=2"
hard_to_patch="-Wl,-z,relro,-z,now"

machine=$1
if [ $# -gt 1 ]; then
    build=$2 root=$3
    cp "$0" "$build/python-$machine.sh"
    chroot "$build" sh "/python-$machine.sh" "$machine"
    [ "$build" = "$root" ] || cp -r "$build/opt/$machine/opt/relay" "$root/opt/relay"
    echo /opt/relay/lib > "$root/etc/ld.so.conf.d/relay.conf"
    chroot "$root" ldconfig
    chroot "$root" /opt/relay/bin/python3.13 -c "import hashlib, ssl, zlib; print(ssl.OPENSSL_VERSION)"
    exit
fi

export LC_ALL=C SOURCE_DATE_EPOCH=1700000000 DEBIAN_FRONTEND=noninteractive
jobs=$(nproc)
mkdir -p "/usr/src/$machine"
cd "/usr/src/$machine"
rm -rf openssl python

# The sources are newer Debians'. They are compared with the sums, so nobody's signature is needed.
mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' /etc/apt/sources.list | head -n 1)
for suite in bookworm trixie; do
    echo "deb-src [trusted=yes] $mirror $suite main"
    echo "deb-src [trusted=yes] $mirror-security $suite-security main"
done > /etc/apt/sources.list.d/sources.list

if [ "$machine" = "$(uname -m)" ]; then
    apt-get -qq update
    into='' openssl_cross='' python_cross=''
    echo /opt/relay/lib > /etc/ld.so.conf.d/relay.conf
else
    debian=$([ "$machine" = aarch64 ] && echo arm64 || echo amd64)
    dpkg --add-architecture "$debian"
    apt-get -qq update
    apt-get -qq install --no-install-recommends "gcc-$machine-linux-gnu" \
        "zlib1g-dev:$debian" "libffi-dev:$debian"
    into=/opt/$machine
    openssl_cross="--cross-compile-prefix=$machine-linux-gnu-"
    # The last three cannot be found out without a machine of that kind.
    python_cross="--host=$machine-linux-gnu --build=$(uname -m)-linux-gnu
        --with-build-python=/opt/relay/bin/python3.13 ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no
        ac_cv_buggy_getaddrinfo=no"
fi

is_ours() {
    echo "$2  $1" | sha256sum --check --quiet || {
        echo "python.sh: $1 is not what it was when its sum was written here" >&2
        exit 1
    }
}

# Six weaknesses that 1~deb12u2 mends are not mended here: two in DTLS, and those in CMP and SM2, are switched
# off; one lets a certificate take memory of `vault-relay check`; one is in keys on curves other than NIST's.
apt-get -qq source --download-only --tar-only "openssl=$openssl"
is_ours "openssl_${openssl%%-*}.orig.tar.gz" "$openssl_sum"
mkdir openssl
tar -x --strip-components=1 -C openssl -f "openssl_${openssl%%-*}.orig.tar.gz"
cd openssl
# shellcheck disable=SC2086  # lists
./Configure "linux-$machine" --prefix=/opt/relay --libdir=lib --openssldir=/etc/ssl \
    $openssl_options $openssl_cross $hard_to_exploit $hard_to_patch
make --silent --jobs="$jobs" build_libs
make --silent install_dev DESTDIR="$into"
ldconfig
cd ..

# What Debian adds to Python are the security fixes since this release; the .dsc has the sum of each.
apt-get -qq source --download-only "python3.13=$python"
is_ours "python3.13_$python.dsc" "$python_sum"
dpkg-source --extract "python3.13_$python.dsc" python
cd python
for module in $python_without; do
    export "py_cv_module_$module=n/a"
done
# Without interposition, calls within libpython cost no more than in a program that has it inside.
# shellcheck disable=SC2086  # a list
./configure --quiet --prefix=/opt/relay --enable-shared --with-openssl="$into/opt/relay" \
    --without-doc-strings --disable-test-modules --with-ensurepip=no \
    CFLAGS="-O2 -fno-semantic-interposition $hard_to_exploit" LDFLAGS_NODIST="$hard_to_patch" $python_cross
make --silent --jobs="$jobs"
make --silent altinstall DESTDIR="$into"
ldconfig
cd ..

mkdir -p "$into/opt/relay/licences"
cp openssl/LICENSE.txt "$into/opt/relay/licences/OpenSSL.txt"
cp python/LICENSE "$into/opt/relay/licences/Python.txt"
cp python/Doc/license.rst "$into/opt/relay/licences/Python-incorporated.rst"
rm -r openssl python
