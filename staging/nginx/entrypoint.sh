#!/bin/sh
# The name server that knows nobody (see common/dns_stub.py) makes "no such name" an answer at
# once: nginx would otherwise wait five seconds before it asks again for a service that is back.
set -eu
python3 -m common.dns_stub &
exec nginx -e stderr -c /etc/nginx/staging.conf
