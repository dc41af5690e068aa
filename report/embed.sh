#!/bin/sh
# Writes text files as C string constants: embed.sh NAME FILE [NAME FILE]... > assets.h
set -eu
printf '/* Made by embed.sh from the files beside it. */\n#pragma once\n\n'
while [ $# -ge 2 ]; do
        printf 'static const char %s[] =\n' "$1"
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/        "&\\n"/' "$2"
        printf '        ;\n'
        shift 2
done
