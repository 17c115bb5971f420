#!/bin/sh
# No cluster: one Alertmanager, which need not wait for others.
set -eu
python3 -m common.dns_stub &
exec prometheus-alertmanager --config.file=/etc/staging/alertmanager.yml --storage.path=/data \
    --web.listen-address=0.0.0.0:9093 --cluster.listen-address= --log.level=warn
