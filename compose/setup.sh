#!/bin/sh
# Makes the authority once, a folder for each gateway, and a bundle for each office. What is there is left as it is.
set -eu
offices="moh/hq moh/siem-reap moh/battambang maff/hq maff/siem-reap maff/battambang mlvt/hq mlvt/siem-reap mef/hq"

if [ ! -e /authority/folder/gateway.toml ]; then
    spean-gateway init /authority/folder --listen 0.0.0.0:4443 --name gateway-1 --name gateway-2 \
        --nats nats-1:4222 --nats nats-2:4222 --nats nats-3:4222 --data-dir /data
fi

for office in $offices; do
    bundle=/bundles/$(echo "$office" | tr / -)
    [ -e "$bundle/agent.toml" ] || spean-gateway enrol "$office" --dir /authority/folder --out "$bundle" \
        --gateway gateway-1:4443 --gateway gateway-2:4443
done

# In production an office hears it by telephone or on paper, and not beside its bundle.
spean-gateway fingerprint /authority/folder >/bundles/authority.fingerprint

# Gateways and brokers get what is theirs; the authority's keys stay here.
for gateway in gateway-1 gateway-2; do
    mkdir -p "/gateways/$gateway"
    cp -r /authority/folder/gateway /authority/folder/registry.ndjson "/gateways/$gateway/"
    sed "s/^name = .*/name = \"$gateway\"/" /authority/folder/gateway.toml >"/gateways/$gateway/gateway.toml"
done
cp -r /authority/folder/nats/. /brokers/
