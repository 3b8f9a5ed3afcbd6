#!/bin/sh
# A program for the external call: keeps a list of values in the file $LIST, one per line.
#   address-list.sh LIST block|unblock|state VALUE
# Calling it twice is harmless. `state` ends with 0 for blocked and 1 for free.
set -eu
list=$1 action=$2 value=$3
touch "$list"
case $action in
block) grep -qFx -- "$value" "$list" || printf '%s\n' "$value" >>"$list" ;;
unblock)
    grep -vFx -- "$value" "$list" >"$list.new" || true
    mv "$list.new" "$list"
    ;;
state) grep -qFx -- "$value" "$list" ;;
*) echo "unknown action $action" && exit 2 ;;
esac
