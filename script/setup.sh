# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Installs Debian packages by section of script/packages. Sourced by ./smtpdx, script/test and script/lint; needs $root.
# Everything is said on stderr: stdout belongs to the program.

say() { printf '%s\n' "smtpdx: $*" >&2; }

# packages_of SECTION...: the lines of these sections, blanks around "|" removed.
packages_of() {
  for section; do
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$root/script/packages" |
      awk -v want="[$section]" '/^\[/ { on = $0 == want; next } on'
  done | awk '!seen[$0]++'
}

# missing_packages SECTION...: the lines of which no alternative is installed.
missing_packages() {
  {
    dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^ii *//p'
    echo wanted:
    packages_of "$@"
  } | awk -F '|' '
    $0 == "wanted:" { wanted = 1; next }
    !wanted { here[$0]; next }
    { for (i = 1; i <= NF; ++i) if ($i in here) next; print }'
}

# as_root COMMAND...: runs it as root, by sudo where we are not.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }

# agreed: true unless a person at a terminal says no. $yes set means do not ask.
agreed() {
  [ -z "${yes:-}" ] && [ -t 0 ] && [ -t 2 ] || return 0
  printf 'Go on? [Y/n] ' >&2
  read -r answer || return 1
  case "$answer" in '' | [Yy] | [Yy][Ee][Ss]) return 0 ;; *) return 1 ;; esac
}

# apt WORDS...: one apt-get call, its chatter in the log.
apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q "$@" >>"$root/build/setup.log" 2>&1 </dev/null
}

# install_packages SECTION...: says what is missing, asks, installs. False where that did not come about.
install_packages() {
  if ! command -v dpkg-query >/dev/null 2>&1; then
    say "this is no Debian system; it must provide what script/packages lists under: $*"
    return 0
  fi
  lines=$(missing_packages "$@")
  [ -n "$lines" ] || return 0
  say "needs these Debian packages ($([ "$(id -u)" = 0 ] && echo 'as root' || echo 'by sudo')):" \
    "$(printf '%s\n' "$lines" | sed 's/|.*//' | tr '\n' ' ')"
  if ! can_be_root; then
    say "neither root nor sudo here; install them as root, then start again"
    return 1
  fi
  agreed || { say "nothing was installed"; return 1; }
  mkdir -p "$root/build" && : >"$root/build/setup.log" || return 1
  apt update || say "apt-get update failed; trying with the package lists that are here"
  names=
  for line in $lines; do
    choice=${line%%|*}
    for name in $(printf '%s' "$line" | tr '|' ' '); do
      if apt-cache show "$name" >/dev/null 2>&1; then choice=$name; break; fi
    done
    names="$names $choice"
  done
  # shellcheck disable=SC2086  # a list of words
  if ! apt install -y --no-install-recommends $names; then
    tail -n 20 "$root/build/setup.log" >&2
    say "could not install them; the whole log: build/setup.log"
    return 1
  fi
}
