# bash completion for immure: verbs and options as the program itself lists them. File names are
# data: nothing here expands one.

_immure_verbs() {
	immure --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z]\{1,\}\) .*/\1/p'
}

_immure_options() {
	immure ${1:+"$1"} --help 2>/dev/null | sed -nE 's/^ +(-., +)?(--[a-z-]+)(\[?=)?.*/\2\3/p' | tr -d '['
}

_immure_units() {
	local dirs=(/etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system)
	find "${dirs[@]}" -maxdepth 1 -name '*.service' -printf '%f\n' 2>/dev/null | sort -u
}

# The words that may stand behind the option $2 of the verb $1
_immure_values() {
	case $1/$2 in
	*/--sort) printf '%s\n' exposure reach findings name ;;
	*/--level) printf '%s\n' readable special sticky writable ;;
	*/--json) printf '%s\n' pretty short off ;;
	*/--emit) echo unit ;;
	*/--scorecard) immure rules --no-legend 2>/dev/null | sed -n 's|/.*||p' | sort -u | grep -vx profiles ;;
	diff/--fail-on) printf '%s\n' any worse ;;
	check/--fail-on) printf '%s\n' info low medium high critical ;;
	check/--format) printf '%s\n' text json sarif junit github gitlab markdown ;;
	report/--format) printf '%s\n' html json markdown openmetrics ndjson ;;
	esac
}

# Into COMPREPLY what of standard input begins with $1
_immure_take() {
	local word
	while IFS= read -r word; do
		[[ $word == "$1"* ]] && COMPREPLY+=("$word")
	done
}

_immure_files() {
	compopt -o filenames
	_immure_take "" < <(compgen "$1" -- "$2")
}

_immure_value() {
	local verb=$1 option=$2 cur=$3
	case $option in
	--root) _immure_files -d "$cur" ;;
	--db | --baseline | --write-baseline | --security-policy | --output | --why) _immure_files -f "$cur" ;;
	*) _immure_take "$cur" < <(_immure_values "$verb" "$option") ;;
	esac
}

_immure() {
	local verb="" word verbs words cword
	# "--name=va" is one word here, whatever COMP_WORDBREAKS makes of it
	read -r -a words <<<"${COMP_LINE:0:COMP_POINT}"
	[[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
	cword=$((${#words[@]} - 1))
	local cur=${words[cword]}

	COMPREPLY=()
	verbs=$(_immure_verbs)
	for word in "${words[@]:1:cword-1}"; do
		[[ $word != -* ]] && grep -qxF -- "$word" <<<"$verbs" && verb=$word && break
	done
	if [[ $cur == --*=* ]]; then
		_immure_value "$verb" "${cur%%=*}" "${cur#*=}"
	elif [[ $cur == -* ]]; then
		_immure_take "$cur" < <(_immure_options "$verb")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	elif [[ -z $verb ]]; then
		_immure_take "$cur" <<<"$verbs"
	elif [[ $verb == rules ]]; then
		_immure_take "$cur" < <(immure rules --no-legend 2>/dev/null | sed 's/ .*//')
		_immure_files -f "$cur"
	else
		[[ $verb == can || $verb == who ]] &&
			_immure_take "$cur" < <(printf '%s\n' read write execute connect listen)
		_immure_take "$cur" < <(_immure_units)
		_immure_files -f "$cur"
	fi
}
complete -F _immure immure
