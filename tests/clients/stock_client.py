#!/usr/bin/env python3
"""A stock NATS client with an office's certificate: what it can do through the gateway, and what it cannot.

    stock_client.py URL BUNDLE OFFICE PLAN     reads a plan (JSON), does it in order, prints what happened (JSON)

A plan is a list of steps: {"publish": {subject, headers, data}}, {"pull": {stream, filter, count}},
{"subscribe": subject}, {"request": {subject, data}}.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

TIMEOUT_S = 10


async def main(url, bundle, office, plan):
    errors = []

    async def on_error(error):
        errors.append(str(error))

    client = await nats.connect(
        url,
        tls=tls(Path(bundle)),
        tls_hostname="localhost",
        inbox_prefix="_INBOX." + office.replace("/", "."),
        error_cb=on_error,
        allow_reconnect=False,
        connect_timeout=TIMEOUT_S,
    )
    outcomes = []
    for step in json.loads(Path(plan).read_text()):
        (verb, what), = step.items()
        try:
            outcomes.append({"ok": await STEPS[verb](client, office, what, errors)})
        except APIError as error:
            outcomes.append({"refused": error.description, "err_code": error.err_code})
        except Exception as error:
            outcomes.append({"failed": f"{type(error).__name__}: {error}"})
    await client.close()
    print(json.dumps(outcomes))


def tls(bundle):
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=bundle / "ca.pem")
    context.load_cert_chain(bundle / "office.pem", bundle / "office.key")
    return context


async def publish(client, _office, what, _errors):
    ack = await client.jetstream().publish(
        what["subject"], what["data"].encode(), headers=what["headers"], stream=what.get("stream"), timeout=TIMEOUT_S
    )
    return {"stream": ack.stream, "seq": ack.seq, "duplicate": bool(ack.duplicate)}


async def pull(client, office, what, _errors):
    name = office.replace("/", "_") + "_stock"
    config = ConsumerConfig(
        durable_name=name, ack_policy=AckPolicy.EXPLICIT, deliver_policy=DeliverPolicy.ALL, filter_subject=what["filter"]
    )
    subscription = await client.jetstream().pull_subscribe(
        what["filter"], durable=name, stream=what["stream"], config=config
    )
    messages = await subscription.fetch(what["count"], timeout=TIMEOUT_S)
    for message in messages:
        await message.ack_sync(timeout=TIMEOUT_S)
    return [{"subject": m.subject, "id": m.headers["ce-id"], "data": m.data.decode()} for m in messages]


async def subscribe(client, _office, subject, errors):
    """A refused subscription is told as an error of the connection."""
    errors.clear()
    await client.subscribe(subject)
    await client.flush(timeout=TIMEOUT_S)
    for _ in range(TIMEOUT_S * 50):
        if errors:
            raise RuntimeError(errors[0])
        # The client hands errors to a task of its own, which needs a turn.
        await asyncio.sleep(0.02)
    return "subscribed"


async def request(client, _office, what, _errors):
    answer = await client.request(what["subject"], what["data"].encode(), timeout=TIMEOUT_S)
    return json.loads(answer.data)


STEPS = {"publish": publish, "pull": pull, "subscribe": subscribe, "request": request}

if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
