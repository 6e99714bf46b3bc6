#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes what compose.yaml takes from ./secrets: an authority of one's own, certificates for both services and for the
# server as the signing service's client, passwords and the passphrase of the keys. What is there stays as it is.
#   ./prepare.sh [NAME of the trust server, as clients call it]...
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p secrets
cd secrets
names=localhost
for name in "$@"; do names+=" $name"; done

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
alternatives() { for name in "$@"; do [[ $name =~ ^[0-9.]+$|: ]] && printf 'IP:%s,' "$name" || printf 'DNS:%s,' "$name"; done; }

if [ ! -e ca.crt ]; then
  new_key ca.key
  openssl req -x509 -key ca.key -out ca.crt -days 3650 -subj '/CN=Hallmark authority' \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign
fi

# issue FILE PURPOSE NAME...
issue() {
  local file=$1 purpose=$2
  shift 2
  [ ! -e "$file.crt" ] || return 0
  local extensions
  extensions=$(mktemp)
  printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' \
    "$purpose" "$(alternatives "$@" | sed 's/,$//')" >"$extensions"
  new_key "$file.key"
  openssl req -new -key "$file.key" -subj "/CN=$1" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 397 -extfile "$extensions" -out "$file.crt"
  rm "$extensions"
}

# shellcheck disable=SC2086  # names hold no spaces
issue server serverAuth $names
issue signer serverAuth signer
issue server-client clientAuth hallmark-server

for secret in server-database-password signer-database-password signer-passphrase; do
  [ -e "$secret" ] || openssl rand -hex 32 >"$secret"
done

# Compose mounts these files as they are, so the services' user has to be able to read them: everybody on this machine
# who may enter this directory can, which is its owner alone
chmod 700 . && chmod 644 -- *.crt *password *passphrase server.key signer.key server-client.key
echo "clients need $(pwd)/ca.crt: ~/.docker/tls/<host:port>/ca.crt, notary --tlscacert, hallmark --ca"
