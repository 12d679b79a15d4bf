#!/usr/bin/env python3
"""The plan of tests/tests/it/clients.rs, done by nats-py as its documentation has it. Two offices' folders, the letters to publish and
the names come in by the environment; one line a row goes out: its name, a tab, and what became of it. Never: a change to the client."""

import asyncio
import os
import ssl
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nats
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, NoStreamResponseError

PATIENCE_S = 10
OTHERS_PATIENCE_S = 170
ENV = os.environ
FEED, LOG, OTHERS_LOG = ENV["FEED"], ENV["LOG"], ENV["OTHERS_LOG"]
OFFICE, READER = ENV["OFFICE"], ENV["READER"]
DATA = (Path(ENV["LETTERS"]) / "1.data").read_bytes()


def headers(number):
    lines = (Path(ENV["LETTERS"]) / f"{number}.headers").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


async def row(name, doing, patience_s=PATIENCE_S):
    try:
        done = await asyncio.wait_for(doing, patience_s)
        outcome = done if isinstance(done, str) else "works"
    except APIError as error:
        # Some of its own errors have no number.
        outcome = f"refused {error.err_code}" if error.err_code else type(error).__name__
    except (NoRespondersError, NoStreamResponseError):
        outcome = "no responders"
    except (NatsTimeout, asyncio.TimeoutError):
        outcome = "timeout"
    except Exception as error:  # Whatever the client shows is the row's outcome.
        outcome = f"{type(error).__name__}: {error}"
    print(f"{name}\t{outcome}", flush=True)


class Office:
    """A connection under an office's certificate, and what the client is told of it."""

    async def connect(self, office, bundle):
        self.errors, self.lame_duck, self.reconnected = [], asyncio.Event(), asyncio.Event()
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=f"{bundle}/ca.pem")
        context.load_cert_chain(f"{bundle}/office.pem", f"{bundle}/office.key")
        self.client = await nats.connect(
            ENV["URL"],
            tls=context,
            tls_hostname="localhost",
            inbox_prefix="_INBOX." + office.replace("/", "."),
            error_cb=self.on_error,
            lame_duck_mode_cb=self.on_lame_duck,
            reconnected_cb=self.on_reconnected,
            reconnect_time_wait=0.2,
            max_reconnect_attempts=-1,
        )
        self.js = self.client.jetstream()
        self.inbox = "_INBOX." + office.replace("/", ".")
        return self

    async def on_error(self, error):
        self.errors.append(str(error))

    async def on_lame_duck(self):
        self.lame_duck.set()

    async def on_reconnected(self):
        self.reconnected.set()

    async def told(self, *words):
        """Waits for an error of the connection that holds all of these words."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            if any(all(word.lower() in error.lower() for word in words) for error in self.errors):
                self.errors.clear()
                return "told"
            await asyncio.sleep(0.01)
        return "not told"


async def main():
    print(f"version\t{version('nats-py')}", flush=True)
    office, reader = Office(), Office()
    await row("connect", office.connect(OFFICE, ENV["OFFICE_BUNDLE"]))
    await reader.connect(READER, ENV["READER_BUNDLE"])
    await publishing(office)
    await refused(office)
    await streams(office, reader)
    await reading(reader)
    await consumers(office, reader)
    await stopping(office)
    await row("drain", office.client.drain())
    await reader.client.close()


async def publishing(office):
    publish = office.js.publish

    async def stored(number, seq_is_new):
        ack = await publish(LOG, DATA, headers=headers(number), stream=FEED)
        assert bool(ack.duplicate) != seq_is_new, ack

    await row("publish a signed event", stored(1, True))
    await row("publish it again", stored(1, False))
    await row("publish the next one", stored(2, True))
    await row("publish out of order", publish(LOG, DATA, headers=headers(4)))
    await row("publish without headers", publish(LOG, DATA))
    await row("publish to another's log", publish(OTHERS_LOG, DATA))
    await row("publish to foo through JetStream", publish("foo", b"hi"))


async def refused(office):
    async def listened(subject, queue=""):
        await office.client.subscribe(subject, queue=queue)
        words = ["permissions violation for subscription", subject] + ([f'using queue "{queue}"'] if queue else [])
        return await office.told(*words)

    async def published():
        await office.client.publish("foo", b"hi")
        return await office.told("permissions violation for publish", "foo")

    await row("publish to foo", published())
    office.errors.clear()
    await row("request foo", office.client.request("foo", b"hi", timeout=5))
    await row("subscribe to foo", listened("foo"))
    await row("subscribe with a queue group", listened(office.inbox + ".q", "q"))
    await row("request the registry", office.client.request("spean.registry", b"", timeout=5))


async def streams(office, reader):
    jsm, everything = office.js, reader.js

    async def info():
        state = (await jsm.stream_info(FEED)).state
        whole = (await everything.stream_info(FEED)).state
        assert state.messages == 2 and whole.messages >= 2, (state, whole)

    async def names():
        assert await jsm.find_stream_name_by_subject(LOG) == FEED

    async def listed():
        assert FEED in [info.config.name for info in await jsm.streams_info()]

    await row("account info", jsm.account_info())
    await row("stream info", info())
    await row("stream name by subject", names())
    await row("stream list", listed())
    await row("stream info, unknown stream", jsm.stream_info("ORDERS"))
    await row("stream info, feed not the office's", jsm.stream_info(ENV["OTHERS_FEED"]))
    await row("stream create", jsm.add_stream(name="ORDERS", subjects=["orders.*"]))
    await row("stream purge", jsm.purge_stream(FEED))
    await row("stream delete", jsm.delete_stream(FEED))
    await row("bucket bind", jsm.key_value("settings"))
    await row("bucket create", jsm.create_key_value(bucket="settings"))


def ours(messages):
    assert [message.headers["ce-id"] for message in messages] == [headers(1)["ce-id"], headers(2)["ce-id"]], messages


async def reading(reader):
    js = reader.js

    async def pulled(durable):
        subscription = await js.pull_subscribe(LOG, durable, stream=FEED)
        messages = await subscription.fetch(2, timeout=PATIENCE_S)
        for message in messages:
            await message.ack_sync(timeout=5)
        ours(messages)

    async def pushed(**options):
        subscription = await js.subscribe(LOG, stream=FEED, **options)
        ours([await subscription.next_msg(timeout=5), await subscription.next_msg(timeout=5)])
        await subscription.unsubscribe()

    async def nothing():
        subscription = await js.pull_subscribe(LOG, stream=FEED, config=ConsumerConfig(deliver_policy="new"))
        await subscription.fetch(1, timeout=0.5)

    async def redelivered():
        subscription = await js.pull_subscribe(LOG, stream=FEED)
        (message,) = await subscription.fetch(1, timeout=5)
        await message.in_progress()
        await message.nak()
        again = message
        while again.metadata.num_delivered != 2:  # The next one may come before it.
            (again,) = await subscription.fetch(1, timeout=5)
        await again.term()

    async def message():
        found = await js.get_last_msg(FEED, LOG)
        assert found.headers["ce-id"] == headers(2)["ce-id"], found
        found = await js.get_msg(FEED, subject=LOG, seq=1, next=True, direct=True)
        assert found.headers["ce-id"] == headers(1)["ce-id"], found

    await row("pull, durable of its own name", pulled(ENV["DURABLE"]))
    await row("pull it again", again(js))
    await row("pull, without a durable name", pulled(None))
    await row("push, without a durable name", pushed())
    await row("ordered", pushed(ordered_consumer=True))
    await row("pull with nothing there", nothing())
    await row("nak, in progress, term", redelivered())
    await row("message by subject, by sequence", message())
    await row("message that is not there", js.get_msg(FEED, 9_999_999))


async def again(js):
    """A program that starts anew binds to what it made before."""
    subscription = await js.pull_subscribe(LOG, ENV["DURABLE"], stream=FEED)
    info = await subscription.consumer_info()
    assert (info.name, info.config.durable_name, info.num_pending) == (ENV["DURABLE"],) * 2 + (0,), info


async def consumers(office, reader):
    js = reader.js

    async def bounded():
        config = ConsumerConfig(filter_subject=LOG, max_ack_pending=-1, ack_wait=0.001, ack_policy=AckPolicy.EXPLICIT)
        made = (await js.add_consumer(FEED, config)).config
        assert (made.max_ack_pending, made.ack_wait) == (20_000, 1), made

    async def listed():
        assert ENV["DURABLE"] in [info.name for info in await js.consumers_info(FEED)]

    await row("consumer beyond bounds", bounded())
    await row("consumer list", listed())
    await row("consumer info, unknown consumer", js.consumer_info(FEED, "nobody"))
    await row("consumer pause", js.pause_consumer(FEED, ENV["DURABLE"], "2100-01-01T00:00:00Z"))
    await row("consumer of a queue group", js.subscribe(LOG, queue="q", stream=FEED))
    whole = ConsumerConfig(filter_subject=f"spean.log.{FEED}.>")
    await row("consumer on logs of others", office.js.add_consumer(FEED, whole))
    await row("consumer delete", js.delete_consumer(FEED, ENV["DURABLE"]))


async def stopping(office):
    """The gateway is stopped and started by who reads this line."""

    async def stopped():
        print("ready", flush=True)
        await office.lame_duck.wait()

    async def back():
        await office.reconnected.wait()
        ack = await office.js.publish(LOG, DATA, headers=headers(3))
        assert not ack.duplicate, ack

    await row("gateway stops", stopped(), OTHERS_PATIENCE_S)
    await row("gateway is back", back())


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
