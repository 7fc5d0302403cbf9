#!/bin/sh
# Installs what the obstacles are made of, on Debian and Ubuntu. What is missing is skipped.
set -eu
export DEBIAN_FRONTEND=noninteractive
# In this runlevel the packages do not start their services.
export RUNLEVEL=1
apt-get update --quiet=2
apt-get install --quiet=2 --yes --no-install-recommends iproute2 iptables
