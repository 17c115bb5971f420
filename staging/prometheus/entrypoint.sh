#!/bin/sh
# Write the rules, with what is planted in them, then become Prometheus.
set -eu
python3 -m common.dns_stub &
# The bad release of the monitoring: a series was renamed and the alert on it was forgotten.
[ "${RELEASE:-}" != v1.3.0 ] || PLANTED_ALERTS=blind:PaystackUnreachable
python3 /etc/staging/rules.py /tmp/rules.yml "${PLANTED_ALERTS:-}"
# Alertmanager forgets an alert after four of these: one of a Prometheus that is gone ends in 20 s.
exec prometheus --config.file=/etc/staging/prometheus.yml --storage.tsdb.path=/data \
    --storage.tsdb.retention.time=6h --storage.tsdb.retention.size=256MB \
    --rules.alert.resend-delay=5s --web.listen-address=0.0.0.0:9090 --log.level=warn
