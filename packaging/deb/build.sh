#!/bin/sh
# Makes the Debian package from the archive: the same files, in the places where Debian has them.
#
#   build.sh ARCHIVE MACHINE DEB     MACHINE: x86_64 or aarch64
set -eu
export LC_ALL=C
umask 022

archive=$1 machine=$2 deb=$3
here=$(dirname "$0")
version=${VERSION:-$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' vaultrelay/__init__.py)}
# All times in the package are that of its commit: the same commit gives the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

case $machine in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    *) echo "build.sh: $machine is neither x86_64 nor aarch64" >&2; exit 2 ;;
esac

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
doc=$tree/usr/share/doc/vaultmesh-relay
mkdir -p "$tree/DEBIAN" "$tree/usr/bin" "$tree/usr/lib/systemd/system" "$tree/usr/lib/sysusers.d" "$doc" \
    "$tree/usr/share/man/man1" "$tree/etc/vault-relay"

tar -xzf "$archive" -C "$tree/usr/lib" --no-same-owner
package=$tree/usr/lib/vaultmesh-relay
ln -s ../lib/vaultmesh-relay/vault-relay "$tree/usr/bin/vault-relay"

# What has a place of its own in Debian. The rest stays together: it is one program.
units=$package/systemd
for unit in vault-relay.service vault-relay@.service; do
    sed 's|/usr/local/bin/|/usr/bin/|' "$units/$unit" > "$tree/usr/lib/systemd/system/$unit"
done
mv "$units/vault-relay.socket" "$tree/usr/lib/systemd/system"
mv "$units/vault-relay.sysusers" "$tree/usr/lib/sysusers.d/vault-relay.conf"
mv "$units/vault-relay.environment" "$tree/etc/vault-relay/environment"
mkdir "$doc/systemd"
mv "$units"/*.conf "$doc/systemd"
mv "$package/docs" "$package/deploy" "$package/packaging" "$doc"
find "$package" -maxdepth 1 \( -name '*.rst' -o -name '*.md' \) -exec mv {} "$doc" \;
gzip -9n < "$package/vault-relay.1" > "$tree/usr/share/man/man1/vault-relay.1.gz"

mv "$package/licences" "$doc"
{
    cat "$package/LICENSE"
    printf '\nThe licences of what is packed with the relay are beside this file:\n\n'
    (cd "$doc" && printf '  %s\n' licences/*)
} > "$doc/copyright"

# The changes in Debian's form.
changes() {
    printf '%s (%s) unstable; urgency=medium\n\n' vaultmesh-relay "$version"
    awk -v version="$version" '
        /^[0-9]/ { ours = $1 == version }
        ours && sub(/^- /, "  * ") { print; next }
        ours && /^  / { print "  " $0 }' CHANGELOG.rst | fmt --tagged-paragraph --width=79
    printf '\n -- %s  %s\n' "$(sed -n 's/^Maintainer: //p' "$here/control")" "$(date -uR "--date=@$SOURCE_DATE_EPOCH")"
}
changes | gzip -9n > "$doc/changelog.gz"
rm -r "$units" "$package/vault-relay.1" "$package/LICENSE" "$package/install.sh" "$package/uninstall.sh"

# The newest symbol of the C library that any file of the package asks for, on whatever machine.
floor=$(grep -rahoE 'GLIBC_2\.[0-9]+' "$package" | sort -uV | tail -n 1)
floor=${floor#GLIBC_}

chmod -R u=rwX,go=rX "$tree"
chmod 640 "$tree/etc/vault-relay/environment"
# In KiB, each file rounded up, whatever the disk of this machine makes of it.
size=$(find "$tree/usr" "$tree/etc" -printf '%y %s\n' |
    awk '{ size += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print size }')
sed -e "s/@version@/$version/" -e "s/@architecture@/$debian/" -e "s/@size@/$size/" -e "s/@libc@/${floor:-2.31}/" \
    "$here/control" > "$tree/DEBIAN/control"
echo /etc/vault-relay/environment > "$tree/DEBIAN/conffiles"
# For `dpkg --verify`.
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$tree/DEBIAN/md5sums"
for script in postinst prerm postrm; do
    install -m 755 "$here/$script" "$tree/DEBIAN/$script"
done
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$(dirname "$deb")"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$deb" >/dev/null
