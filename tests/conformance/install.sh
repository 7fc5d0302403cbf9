#!/bin/sh
# Installs the Autobahn|Testsuite into the folder given: it runs on Python 2.7 only.
set -eu
folder=$1
[ -x "$folder/bin/wstest" ] && exit 0
for python in python2.7 "$HOME"/.pyenv/versions/2.7.*/bin/python; do
    "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null && break
    python=
done
[ -n "$python" ] || { echo "There is no Python 2.7, which the Autobahn|Testsuite needs." >&2; exit 3; }
"$python" -m pip --disable-pip-version-check install --quiet --target "$folder/virtualenv" 'virtualenv<20.22' 2>/dev/null
PYTHONPATH="$folder/virtualenv" "$python" -m virtualenv --quiet "$folder"
"$folder/bin/pip" --disable-pip-version-check install --quiet autobahntestsuite==0.8.2 2>/dev/null
