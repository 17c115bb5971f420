#!/bin/sh
# Make the drill's own certificate authority and Paystack's leaf, once per set of volumes.
#   /ca/private  ca.key ca.pem   only this container (and the drill's agents) mount it
#   /ca/public   ca.pem bundle.pem   every service: system CAs plus the drill CA
#   /ca/paystack leaf.key leaf.pem   only the sandbox
# Each file is written beside its place and moved there, so that a crash leaves old or new, and
# nothing is made again that is there already.
set -eu
umask 077
days=3650

place() { # place FILE MODE GROUP DESTINATION
    chmod "$2" "$1" && chgrp "$3" "$1" && mv -f "$1" "$4"
}

cd "$(mktemp -d)"
if [ ! -s /ca/private/ca.pem ] || [ ! -s /ca/private/ca.key ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -sha256 -days "$days" -out ca.pem \
        -subj "/O=Vauntico Drills/CN=Vauntico drill CA (staging only)" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
        -addext "keyUsage=critical,keyCertSign,cRLSign"
    place ca.key 600 root /ca/private/ca.key
    place ca.pem 644 root /ca/private/ca.pem
fi

# A leaf of an older staging may lack a name.
names_all() {
    for name in api.paystack.co checkout.paystack.com js.paystack.co; do
        openssl x509 -in /ca/paystack/leaf.pem -noout -checkhost "$name" | grep -q "does match" ||
            return 1
    done
}

if ! openssl verify -CAfile /ca/private/ca.pem /ca/paystack/leaf.pem >/dev/null 2>&1 ||
    ! names_all || [ ! -s /ca/paystack/leaf.key ]; then
    cat >leaf.ext <<EXT
subjectAltName=DNS:api.paystack.co,DNS:checkout.paystack.com,DNS:js.paystack.co
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
authorityKeyIdentifier=keyid
EXT
    openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
    openssl req -new -key leaf.key -subj "/CN=api.paystack.co" -out leaf.csr
    openssl x509 -req -in leaf.csr -CA /ca/private/ca.pem -CAkey /ca/private/ca.key \
        -CAcreateserial -CAserial ./serial -sha256 -days "$days" -extfile leaf.ext \
        -out leaf.pem 2>/dev/null
    place leaf.key 640 shop /ca/paystack/leaf.key
    place leaf.pem 644 root /ca/paystack/leaf.pem
fi

cat /etc/ssl/certs/ca-certificates.crt /ca/private/ca.pem >bundle.pem
if ! cmp -s bundle.pem /ca/public/bundle.pem; then
    cp /ca/private/ca.pem ca.pem
    place ca.pem 644 root /ca/public/ca.pem
    # Last, as the services wait for it.
    place bundle.pem 644 root /ca/public/bundle.pem
fi
