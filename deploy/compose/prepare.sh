#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes what compose.yaml takes from ./secrets: an authority of both services' certificates, one of its own for the server as
# the signing service's client, passwords and the passphrase of the keys. What is there stays as it is: for other names
# remove the certificate first.
#   ./prepare.sh [--signer NAME]... [NAME]...
# NAME: of the trust server, as clients call it; --signer NAME: of the signing service, as the trust server calls it, where
# that is not `signer`. Names or IP addresses.
set -euo pipefail
umask 077

names=(localhost)
signer_names=(signer)
while [ $# -gt 0 ]; do
  case $1 in
    --signer)
      [ $# -gt 1 ] || { echo 'prepare.sh: --signer needs a name' >&2; exit 2; }
      signer_names+=("$2")
      shift 2
      ;;
    -*) echo "prepare.sh: unknown option $1" >&2; exit 2 ;;
    *) names+=("$1"); shift ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p secrets
cd secrets

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
alternatives() { for name in "$@"; do [[ $name =~ ^[0-9.]+$|: ]] && printf 'IP:%s,' "$name" || printf 'DNS:%s,' "$name"; done; }

# authority FILE NAME
authority() {
  new_key "$1.key"
  openssl req -x509 -key "$1.key" -out "$1.crt" -days 3650 -subj "/CN=$2" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign
}
[ -e ca.crt ] || authority ca 'Hallmark authority'
# whoever has a certificate of this one can have metadata signed: it is for the trust server alone
if [ ! -e client-ca.crt ]; then
  authority client-ca 'Hallmark authority of signing clients'
  rm -f server-client.crt
fi

# issue AUTHORITY FILE PURPOSE NAME...
issue() {
  local authority=$1 file=$2 purpose=$3
  shift 3
  [ ! -e "$file.crt" ] || return 0
  local extensions
  extensions=$(mktemp)
  printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' \
    "$purpose" "$(alternatives "$@" | sed 's/,$//')" >"$extensions"
  new_key "$file.key"
  openssl req -new -key "$file.key" -subj "/CN=$1" |
    openssl x509 -req -CA "$authority.crt" -CAkey "$authority.key" -CAcreateserial -days 397 -extfile "$extensions" -out "$file.crt"
  rm "$extensions"
}

issue ca server serverAuth "${names[@]}"
issue ca signer serverAuth "${signer_names[@]}"
issue client-ca server-client clientAuth hallmark-server

for secret in server-database-password signer-database-password signer-passphrase; do
  [ -e "$secret" ] || openssl rand -hex 32 >"$secret"
done

# Compose mounts these files as they are, so the services' user has to be able to read them: everybody on this machine
# who may enter this directory can, which is its owner alone
chmod 700 . && chmod 644 -- *.crt *password *passphrase server.key signer.key server-client.key
echo "clients need $(pwd)/ca.crt: ~/.docker/tls/<host:port>/ca.crt, notary --tlscacert, hallmark --ca"
