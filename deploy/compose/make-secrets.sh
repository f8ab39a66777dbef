#!/usr/bin/env bash
# Makes the secrets of coordinators.yaml in a folder: random passwords, and what follows from them. What is there already
# stays. The certificate is not made here: put tls-certificate.pem (the whole chain) and tls-key.pem beside them.
#
#   make-secrets.sh DIRECTORY
#
# The coordinators' keys are made by the program itself: in its image, or as WARDROUND_COORDINATOR says how to run it.
# Containers read these files as other users than the one who made them, so the files are readable and the folder is closed
# to everybody else.
set -euo pipefail
umask 077

[ $# -eq 1 ] && [ "${1#-}" = "$1" ] || {
  echo 'Usage: make-secrets.sh DIRECTORY' >&2
  exit 2
}
directory=$1
mkdir -p "$directory"
chmod 0700 "$directory"

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# A file appears whole or not at all.
keep() {
  if [ -e "$directory/$1" ]; then
    cat >/dev/null
  else
    cat >"$directory/$1.part"
    chmod 0444 "$directory/$1.part"
    mv "$directory/$1.part" "$directory/$1"
  fi
}

if [ ! -e "$directory/identity.json" ]; then
  # Unquoted: the program and its first words.
  identity=$(${WARDROUND_COORDINATOR:-docker run --rm --network=none wardround-coordinator:0.1.0} identity)
  printf '%s\n' "$identity" | keep identity.json
fi
random | keep database-password
printf 'postgresql://wardround:%s@database:5432/wardround' "$(cat "$directory/database-password")" | keep database-url

printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$(random)" "$(random)" | keep s3-credentials
value() {
  sed -n "s/^$1 = //p" "$directory/s3-credentials"
}
printf '{"identities":[{"name":"wardround","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["Read:wardround","Write:wardround","List:wardround","Tagging:wardround"]}]}\n' \
  "$(value aws_access_key_id)" "$(value aws_secret_access_key)" | keep s3-config.json
