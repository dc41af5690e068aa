# fish completion for immure: verbs and options as the program itself lists them.

function __immure_verbs
    immure --help 2>/dev/null | sed -nE '/^Verbs:/,/^$/{s/^  ([a-z]+) .*  +(.*)/\1\t\2/p;t;s/^  ([a-z]+) .*/\1/p}'
end

function __immure_verb
    set -l verbs (__immure_verbs | string replace -r '\t.*' '')
    for word in (commandline -opc)[2..]
        contains -- $word $verbs; and echo $word; and return 0
    end
    return 1
end

function __immure_options
    immure (__immure_verb) --help 2>/dev/null | string replace -rf '^ +(?:-., +)?(--[a-z-]+)(?:\[?(=)\S*)?  +(.*)$' '$1$2\t$3'
end

function __immure_units
    for dir in /etc /run /usr/local/lib /usr/lib /lib
        command find $dir/systemd/system -maxdepth 1 -name '*.service' -printf '%f\n' 2>/dev/null
    end | sort -u
end

function __immure_values
    set -l option (commandline -ct | string replace -r '=.*' '')
    set -l verb (__immure_verb)
    set -l words
    switch "$verb/$option"
        case '*/--sort'
            set words exposure reach findings name
        case '*/--level'
            set words readable special sticky writable
        case '*/--json'
            set words pretty short off
        case '*/--emit'
            set words unit
        case '*/--scorecard'
            set words (immure rules --no-legend 2>/dev/null | string replace -rf '^([a-z]+)/.*' '$1' | sort -u | string match -v profiles)
        case 'diff/--fail-on'
            set words any worse
        case 'check/--fail-on'
            set words info low medium high critical
        case 'check/--format'
            set words text json sarif junit github gitlab markdown
        case 'report/--format'
            set words html json markdown openmetrics ndjson
        case '*/--root'
            set words (commandline -ct | string replace -r '.*?=' '')
            set words $words*/
        case '*/--db' '*/--baseline' '*/--write-baseline' '*/--security-policy' '*/--output' '*/--why'
            set words (commandline -ct | string replace -r '.*?=' '')
            set words $words*
    end
    printf "$option=%s\n" $words
end

complete -c immure -f -n 'not __immure_verb' -a '(__immure_verbs)'
complete -c immure -n 'commandline -ct | string match -qr -- "^--[^=]*\$"' -f -a '(__immure_options)'
complete -c immure -n 'commandline -ct | string match -q -- "--*=*"' -f -a '(__immure_values)'
complete -c immure -n '__immure_verb' -a '(__immure_units)'
complete -c immure -n '__immure_verb | string match -qr "^(can|who)\$"' -a 'read write execute connect listen'
complete -c immure -n 'contains -- rules (__immure_verb)' -a '(immure rules --no-legend 2>/dev/null | string replace -r " .*" "")'
