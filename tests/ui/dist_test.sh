#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ui/dist, which is compiled into the program, is what ui/src gives; and the page's own tests hold.
[ -z "${SMTPDX_SANITIZED:-}" ] || { echo "SKIP: the built program has no part in this"; exit 77; }
root=${SMTPDX_ROOT:-$(cd "$(dirname "$0")/../.." && pwd -P)}
command -v npx >/dev/null || { echo "SKIP: no npm"; exit 77; }
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || { echo "SKIP: needs node 20 or newer"; exit 77; }
[ -d "$root/ui/node_modules/vite" ] || { echo "SKIP: ui/node_modules is not installed (script/ui --install)"; exit 77; }
"$root/script/ui" --check && "$root/script/ui" --test
