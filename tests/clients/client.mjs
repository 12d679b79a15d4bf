// The plan of tests/tests/it/clients.rs, done by nats.js as its documentation has it. Two offices' folders, the letters to publish and
// the names come in by the environment; one line a row goes out: its name, a tab, and what became of it. Never: a change to the client.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const packages = createRequire(`${process.env.NODE_PACKAGES}/`);
const { connect, headers: newHeaders, nanos } = packages("@nats-io/transport-node");
const { jetstream, jetstreamManager, AckPolicy, DeliverPolicy } = packages("@nats-io/jetstream");
const { Kvm } = packages("@nats-io/kv");

const { URL, FEED, LOG, OTHERS_LOG, OTHERS_FEED, OFFICE, READER, DURABLE, LETTERS } = process.env;
const PATIENCE_MS = 10_000;
const OTHERS_PATIENCE_MS = 170_000;
const DATA = readFileSync(`${LETTERS}/1.data`);

function letter(number) {
  const all = newHeaders();
  for (const line of readFileSync(`${LETTERS}/${number}.headers`, "utf8").split("\n").filter(Boolean)) {
    const [name, ...value] = line.split(": ");
    all.set(name, value.join(": "));
  }
  return all;
}

async function row(name, doing, patience_ms = PATIENCE_MS) {
  let outcome;
  try {
    const late = sleep(patience_ms, "timeout", { ref: false });
    const done = await Promise.race([doing(), late]);
    outcome = typeof done === "string" ? done : "works";
  } catch (error) {
    outcome = shown(error);
  }
  process.stdout.write(`${name}\t${outcome}\n`);
}

/** What the client shows as an error. */
function shown(error) {
  const all = [error, error.cause].filter(Boolean);
  const code = all.map((one) => one.code).find((code) => typeof code === "number");
  const names = all.map((one) => `${one.name}: ${one.message}`).join(", by ");
  if (code) return `refused ${code}`;
  if (/PermissionViolation/.test(names)) return "told";
  if (/NoResponders/.test(names)) return "no responders";
  if (/TimeoutError/.test(names)) return "timeout";
  return names;
}

async function office(name, bundle) {
  const client = await connect({
    servers: URL,
    tls: { caFile: `${bundle}/ca.pem`, certFile: `${bundle}/office.pem`, keyFile: `${bundle}/office.key` },
    inboxPrefix: `_INBOX.${name.replace("/", ".")}`,
    reconnectTimeWait: 200,
    maxReconnectAttempts: -1,
  });
  const statuses = [];
  (async () => {
    for await (const status of client.status()) statuses.push(status);
  })();
  const until = async (type) => {
    while (!statuses.some((status) => status.type === type)) await sleep(10);
  };
  return { client, js: jetstream(client), statuses, until };
}

async function publishing({ js }) {
  const publish = (subject, number, expect) => js.publish(subject, DATA, { headers: number && letter(number), expect });
  const stored = async (number, duplicate) => {
    const ack = await publish(LOG, number, { streamName: FEED });
    assert.equal(ack.duplicate ?? false, duplicate);
  };
  await row("publish a signed event", () => stored(1, false));
  await row("publish it again", () => stored(1, true));
  await row("publish the next one", () => stored(2, false));
  await row("publish out of order", () => publish(LOG, 4));
  await row("publish without headers", () => publish(LOG));
  await row("publish to another's log", () => publish(OTHERS_LOG));
  await row("publish to foo through JetStream", () => publish("foo"));
}

async function refused({ client, statuses }) {
  const published = async () => {
    client.publish("foo", "hi");
    const violation = (status) => /publish to "foo"/i.test(String(status.error));
    while (!statuses.some(violation)) await sleep(10);
    return "told";
  };
  const listened = async (subject, queue) => {
    for await (const message of client.subscribe(subject, { queue })) return `got ${message.subject}`;
  };
  await row("publish to foo", published);
  await row("request foo", () => client.request("foo", "hi", { timeout: 5_000 }));
  await row("subscribe to foo", () => listened("foo"));
  await row("subscribe with a queue group", () => listened(`${client.options.inboxPrefix}.q`, "q"));
  await row("request the registry", async () => void (await client.request("spean.registry")));
}

async function streams({ client }, reader) {
  let jsm;
  await row("account info", async () => {
    jsm = await jetstreamManager(client);
    await jsm.getAccountInfo();
  });
  const everything = await jetstreamManager(reader.client);
  await row("stream info", async () => {
    assert.equal((await jsm.streams.info(FEED)).state.messages, 2);
    assert((await everything.streams.info(FEED)).state.messages >= 2);
  });
  await row("stream name by subject", async () => assert.equal(await jsm.streams.find(LOG), FEED));
  await row("stream list", async () => {
    const found = (await jsm.streams.list().next()).map((info) => info.config.name);
    assert(found.includes(FEED), found);
  });
  await row("stream info, unknown stream", () => jsm.streams.info("ORDERS"));
  await row("stream info, feed not the office's", () => jsm.streams.info(OTHERS_FEED));
  await row("stream create", () => jsm.streams.add({ name: "ORDERS", subjects: ["orders.*"] }));
  await row("stream purge", () => jsm.streams.purge(FEED));
  await row("stream delete", () => jsm.streams.delete(FEED));
  const kvm = new Kvm(client);
  await row("bucket bind", () => kvm.open("settings").then((kv) => kv.status()));
  await row("bucket create", () => kvm.create("settings"));
  return { jsm, everything };
}

/** Takes the two events that were published. */
async function ours(messages, taken) {
  let number = 0;
  for await (const message of messages) {
    number += 1;
    assert.equal(message.headers.get("ce-id"), letter(number).get("ce-id"));
    await taken?.(message);
    if (number === 2) break;
  }
}

async function reading({ js }, jsm) {
  const pulled = async (consumer) => {
    await ours(await consumer.consume({ max_messages: 10 }), (message) => message.ackAck());
  };
  const explicit = { filter_subject: LOG, ack_policy: AckPolicy.Explicit };
  const named = { ...explicit, durable_name: DURABLE };
  const made = async (config) => js.consumers.get(FEED, (await jsm.consumers.add(FEED, config)).name);
  const pushed = async (consumer) => ours(await consumer.consume());
  await row("pull, durable of its own name", async () => pulled(await made(named)));
  await row("pull it again", async () => {
    const { name, config, num_pending } = await (await js.consumers.get(FEED, DURABLE)).info();
    assert.deepEqual([name, config.durable_name, num_pending], [DURABLE, DURABLE, 0]);
  });
  await row("pull, without a durable name", async () => pulled(await made(explicit)));
  await row("push, without a durable name", async () => {
    const deliver_subject = `${js.nc.options.inboxPrefix}.push`;
    const { name } = await jsm.consumers.add(FEED, { ...explicit, deliver_subject });
    await pushed(await js.consumers.getPushConsumer(FEED, name));
  });
  await row("ordered", async () => pushed(await js.consumers.get(FEED, { filter_subjects: LOG })));
  await row("pull with nothing there", async () => {
    const consumer = await made({ ...explicit, deliver_policy: DeliverPolicy.New });
    return (await consumer.next({ expires: 1_000 })) ? "got one" : "timeout";
  });
  await row("nak, in progress, term", async () => {
    const consumer = await made(explicit);
    const message = await consumer.next({ expires: 5_000 });
    message.working();
    message.nak();
    // The next one may come before it.
    let again = message;
    while (again.info.deliveryCount !== 2) again = await consumer.next({ expires: 5_000 });
    again.term();
  });
  await row("message by subject, by sequence", async () => {
    const last = await jsm.streams.getMessage(FEED, { last_by_subj: LOG });
    assert.equal(last.header.get("ce-id"), letter(2).get("ce-id"));
    const first = await jsm.direct.getMessage(FEED, { seq: 1, next_by_subj: LOG });
    assert.equal(first.header.get("ce-id"), letter(1).get("ce-id"));
  });
  await row("message that is not there", async () => {
    return (await jsm.streams.getMessage(FEED, { seq: 9_999_999 })) ? "got one" : "none";
  });
}

async function consumers(jsm, everything) {
  await row("consumer beyond bounds", async () => {
    const { config } = await everything.consumers.add(FEED, {
      filter_subject: LOG,
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: -1,
      ack_wait: nanos(1),
    });
    assert.deepEqual([config.max_ack_pending, config.ack_wait], [20_000, nanos(1_000)]);
  });
  await row("consumer list", async () => {
    const found = (await everything.consumers.list(FEED).next()).map((info) => info.name);
    assert(found.includes(DURABLE), found);
  });
  await row("consumer info, unknown consumer", () => everything.consumers.info(FEED, "nobody"));
  await row("consumer pause", () => everything.consumers.pause(FEED, DURABLE, new Date("2100-01-01")));
  const group = { filter_subject: LOG, deliver_subject: `_INBOX.${READER.replace("/", ".")}.g`, deliver_group: "q" };
  await row("consumer of a queue group", () => everything.consumers.add(FEED, group));
  const whole = { filter_subject: `spean.log.${FEED}.>`, ack_policy: AckPolicy.Explicit };
  await row("consumer on logs of others", () => jsm.consumers.add(FEED, whole));
  await row("consumer delete", () => everything.consumers.delete(FEED, DURABLE).then(() => undefined));
}

/** The gateway is stopped and started by who reads this line. */
async function stopping({ js, until }) {
  await row("gateway stops", async () => {
    process.stdout.write("ready\n");
    await until("ldm");
  }, OTHERS_PATIENCE_MS);
  await row("gateway is back", async () => {
    await until("reconnect");
    const ack = await js.publish(LOG, DATA, { headers: letter(3) });
    assert(!ack.duplicate);
  });
}

process.stdout.write(`version\t${packages("@nats-io/transport-node/package.json").version}\n`);
let publisher;
await row("connect", async () => void (publisher = await office(OFFICE, process.env.OFFICE_BUNDLE)));
const reader = await office(READER, process.env.READER_BUNDLE);
await publishing(publisher);
await refused(publisher);
const { jsm, everything } = await streams(publisher, reader);
await reading(reader, everything);
await consumers(jsm, everything);
await stopping(publisher);
await row("drain", () => publisher.client.drain());
await reader.client.close();
process.exit(0);
