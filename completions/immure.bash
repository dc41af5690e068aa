# bash completion for immure: verbs and options as the program itself lists them

_immure() {
	local cur=${COMP_WORDS[COMP_CWORD]} verb="" w verbs
	verbs=$(immure --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $w != -* ]] && grep -qx -- "$w" <<<"$verbs" && verb=$w && break
	done
	if [[ $cur == -* ]]; then
		# shellcheck disable=SC2207
		COMPREPLY=($(compgen -W "$(immure "$verb" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*(\[?=)?' | sed 's/\[=*$//')" -- "$cur"))
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	elif [[ -z $verb ]]; then
		# shellcheck disable=SC2207
		COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
	else
		local modes=""
		[[ $verb == can || $verb == who ]] && modes="read write execute connect listen"
		local paths=(/etc/systemd/system /run/systemd/system /usr/lib/systemd/system /lib/systemd/system)
		# shellcheck disable=SC2207
		COMPREPLY=($(compgen -W "$modes $(find "${paths[@]}" -maxdepth 1 -name '*.service' -printf '%f\n' 2>/dev/null | sort -u)" -- "$cur") $(compgen -f -- "$cur"))
	fi
}
complete -F _immure immure
