#!/bin/sh
# Writes the schema steps as a C header: embed.sh FILE.sql... > schema.h
set -eu
printf '/* Made from history/schema by embed.sh. */\n#pragma once\n\nenum { IMM_HISTORY_SCHEMAS = %d };\n\n' $#
printf 'static const char *const imm_history_schemas[] = {\n'
for f; do
        sed -e 's/--.*//' -e '/^[[:space:]]*$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/        "&\\n"/' "$f"
        printf '        ,\n'
done
printf '};\n'
