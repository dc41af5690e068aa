# What the lab's scripts share; sourced, not run.
# shellcheck shell=bash

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() { echo "${0##*/}: $*" >&2; exit 1; }

# What is made once and used by all suites: root file systems, packages, the corpora.
if [[ -z ${IMMURE_LAB_CACHE:-} ]]; then
	if [[ -w /var/cache ]]; then IMMURE_LAB_CACHE=/var/cache/immure-lab; else IMMURE_LAB_CACHE=$lab_dir/../../build/lab-cache; fi
fi
cache=$IMMURE_LAB_CACHE
# /tmp may be small
mkdir -p "$cache/run"
export TMPDIR=$cache/run

# systemd's version in the root of a release
release_systemd() { # RELEASE
	case $1 in
	bullseye) echo 247 ;;
	bookworm) echo 252 ;;
	bookworm-backports) echo 254 ;;
	trixie) echo 257 ;;
	*) die "no release $1 (bullseye, bookworm, bookworm-backports, trixie)" ;;
	esac
}

# Debian's mirror, as this machine's apt knows it
mirror() {
	if [[ -n ${IMMURE_LAB_MIRROR:-} ]]; then echo "$IMMURE_LAB_MIRROR"; return; fi
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$' || die "apt knows no Debian mirror"
}

# One maker at a time for each thing in the cache; the lock goes with the shell.
lock() { # NAME
	mkdir -p "$cache/lock"
	exec 9>"$cache/lock/$1"
	flock 9
}

# Is DIR there, made by these very files? Otherwise it is removed, and whoever asked makes it anew.
fresh() { # DIR FILE...
	local dir=$1 sum; shift
	sum=$(cat "$@" | sha256sum)
	[[ -d $dir && $(cat "$dir.stamp" 2>/dev/null) == "${sum%% *}" ]] && return 0
	rm -rf "$dir" "$dir.stamp"
	return 1
}

made() { # DIR FILE...
	local dir=$1 sum; shift
	sum=$(cat "$@" | sha256sum)
	echo "${sum%% *}" >"$dir.stamp"
}

# The root will boot to nothing but the manager itself: its units are loaded and not started
idle() { # ROOT
	local at=$1/etc/systemd/system
	printf '[Unit]\nDescription=Nothing\nDefaultDependencies=no\n' >"$at/immure-idle.target"
	ln -sfn immure-idle.target "$at/default.target"
}
