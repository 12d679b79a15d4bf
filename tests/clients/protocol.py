#!/usr/bin/env python3
"""A client that was written from docs/protocol.md and from nothing else of the project; § names the sections of that document.

    protocol.py publish BUNDLE FINGERPRINT FEED TYPE FILE...   appends each file's JSON, and prints its receipt
    protocol.py read BUNDLE FINGERPRINT FEED [RECEIPTS]        reads and verifies every log and a file of receipts, and confirms
    protocol.py vectors FOLDER                                 verifies the golden vectors

In: a bundle, nats-py. Out: a line for what is good; `FAULT` and why for what is not, and then status 1. Never: a check of contracts, which
takes a library for JSON Schema; a log of which the bus has lost the end; a journal."""

import asyncio
import json
import re
import ssl
import sys
import tomllib
import uuid
from base64 import b64decode, b64encode, urlsafe_b64decode
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

from signatures import SigningKey, b64url, compact, is_signed, keyid, pae, sealed

EVENT = "https://cloudevents.io/verifiability/dsse/v0.1"
CORE = "id source specversion type datacontenttype dataschema subject time".split()
EXTENSIONS = "causationid sequence prevhash recordedtime dataclassification logformat".split()
NAMES = {*CORE, *EXTENSIONS, "dssematerial"}
EVERYWHERE, FAULTS = (1, 2**53 - 1), []
NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def need(holds, what):
    if not holds:
        raise ValueError(what)


@contextmanager
def judged(what):
    try:
        yield
        print(f"good\t{what}", flush=True)
    except ValueError as why:
        FAULTS.append(print(f"FAULT\t{what}\t{why}", flush=True))


def H(data):
    return sha256(data).digest()


def b64(data):
    return b64encode(data).decode()


def payload_of(core, attributes):
    names = [name for name in EXTENSIONS if name in attributes]
    ext = H(b"".join(H(attributes[name].encode()) for name in names))
    return compact({"core": b64(core), "ext": b64(ext), "signedextattrs": names})


def material_of(payload, keyid, signature):
    seals = [{"keyid": keyid, "sig": b64(signature)}]
    return compact({"payload": b64(payload), "payloadType": EVENT, "signatures": seals})


class Event:
    """§6, §7. With a key it is signed."""

    def __init__(self, attributes, data, key=None):
        self.attributes, self.data, self.position = attributes, data, int(attributes.get("sequence", 0))
        self.core = H(b"".join(H(attributes.get(name, "").encode()) for name in CORE) + H(data))
        self.payload = payload_of(self.core, attributes)
        if key:
            material = material_of(self.payload, keyid(key.public), key.sign(pae(EVENT, self.payload)))
            attributes["dssematerial"] = b64(material)
        need(NAMES == {*attributes, "subject", "causationid"}, "attribute-missing or attribute-unknown")
        need(re.fullmatch(r"\d{20}", attributes["sequence"]) and attributes["logformat"] == "1", "attribute-invalid")
        self.material = b64decode(attributes["dssematerial"], validate=True)
        self.keyid, sig = (json.loads(self.material)["signatures"][0][name] for name in ("keyid", "sig"))
        self.signature, self.hash = b64decode(sig), b64url(H(self.material))
        need(material_of(self.payload, self.keyid, self.signature) == self.material, "digest-mismatch")
        _, _, ministry, place, self.feed = attributes["source"].split(":")
        self.office, self.prev = f"{ministry}/{place}", attributes["prevhash"]

    @staticmethod
    def on_the_bus(headers, data):
        """With its headers, or the block of them."""
        if isinstance(headers, bytes):
            headers = dict(line.split(":", 1) for line in headers.decode().split("\r\n")[1:] if line)
        pairs = {name.lower(): unquote(value.strip()) for name, value in headers.items()}
        return Event({name[3:]: value for name, value in pairs.items() if name.startswith("ce-")}, data)

    @staticmethod
    def in_a_file(line):
        members = {name: str(value) for name, value in json.loads(line).items() if name != "data"}
        encoded = members.pop("data_base64", None)
        return Event(members, line.split('","data":', 1)[1][:-1].encode() if encoded is None else b64decode(encoded))

    def headers(self):
        plain = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"%')
        return {f"ce-{name}": quote(value, plain) for name, value in self.attributes.items()}

    def check(self, public):
        need(is_signed(public, pae(EVENT, self.payload), self.signature), "signature-invalid")


class Registry:
    """§9, as far as this client needs it."""

    def __init__(self, authority):
        self.authority, self.lines, self.head, self.genesis = authority, 0, b64url(H(authority)), None
        self.contracts, self.keys, self.gateways = {}, {}, {}

    def take(self, text):
        for line in text.splitlines():
            event = Event.in_a_file(line)
            need(event.attributes["source"] == "urn:spean:nida:hq:registry", "registry: another log")
            need((event.position, event.prev) == (self.lines + 1, self.head), "registry: a line that does not follow")
            event.check(self.authority)
            self.lines, self.head, self.genesis = event.position, event.hash, self.genesis or event.hash
            self.fold(**json.loads(event.data))

    def fold(self, kind, **said):
        if kind == "feed-added":
            self.contracts |= {each["name"]: each["contracts"] for each in said["types"]}
        elif kind == "gateway-added":
            self.gateways[keyid(b64decode(said["public_key"]))] = b64decode(said["public_key"])
        elif kind == "key-added":
            spans = {feed: tuple({"first": 1, "last": 2**53, **span}.values()) for feed, span in said.get("honoured", {}).items()}
            self.keys[said["keyid"]] = (said["office"], b64decode(said["public_key"]), spans, EVERYWHERE)
        elif kind == "key-retired" and said["keyid"] in self.keys:
            (office, public, spans, other), last = self.keys[said["keyid"]], said.get("last", {})
            spans = {feed: (spans.get(feed, other)[0], last.get(feed, 0)) for feed in {*spans, *last}}
            self.keys[said["keyid"]] = (office, public, spans, (1, 0))

    def check(self, event):
        office, public, spans, other = self.keys.get(event.keyid, (None, b"", {}, EVERYWHERE))
        need(office == event.office, "signer-mismatch" if office else "key-unknown")
        first, last = spans.get(event.feed, other)
        need(first <= event.position <= last, "key-retired")
        event.check(public)

    def check_receipt(self, said, event):
        """§12."""
        public = self.gateways.get(said["keyid"], b"")
        need(is_signed(public, sealed("receipt", said), b64decode(said["sig"])), "receipt-invalid: no gateway's signature")
        about = event and (event.attributes["source"], event.position, event.hash)
        need((said["log"], said["position"], said["hash"]) == about, "receipt-invalid: for another event")


class Office:
    async def connect(self, bundle, fingerprint):
        """§2, §3."""
        import nats  # The vectors need none.

        settings = tomllib.loads((bundle / "agent.toml").read_text())
        authority = b64decode((bundle / "authority.pub").read_text())
        need(H(authority)[:16].hex() == fingerprint.replace("-", ""), "the bundle is of another authority")
        self.name, self.registry = settings["office"], Registry(authority)
        self.registry.take((bundle / "registry.ndjson").read_text())
        self.key = SigningKey((bundle / "signing.pk8").read_bytes()[16:48])
        need(self.registry.keys.get(keyid(self.key.public), [None])[0] == self.name, "the registry does not know this key as the office's")
        tls = ssl.create_default_context(cafile=bundle / "ca.pem")
        tls.load_cert_chain(bundle / "office.pem", bundle / "office.key")
        names = {"tls_hostname": settings["gateway_name"], "inbox_prefix": "_INBOX." + self.name.replace("/", ".")}
        self.nats = await nats.connect(f"tls://{settings['gateways'][0]}", tls=tls, allow_reconnect=False, **names)
        while lines := (await self.nats.request("spean.registry", compact({"after": self.registry.lines}), timeout=20)).data:
            self.registry.take(lines.decode())
        return self

    async def ask(self, subject, body, headers=None):
        return json.loads((await self.nats.request(subject, body, headers=headers, timeout=60)).data)

    async def head(self, feed, subject):
        """§10, its first step: what the bus has lost is not for this client, and the gateway holds what it sends then."""
        asked = await self.ask(f"$JS.API.STREAM.MSG.GET.{feed}", compact({"last_by_subj": subject}))
        if "message" not in asked:
            return 0, self.registry.genesis
        event = Event.on_the_bus(*(b64decode(asked["message"][part]) for part in ("hdrs", "data")))
        self.registry.check(event)
        return event.position, event.hash

    async def publish(self, feed, kind, data):
        """§10, §11."""
        subject = ".".join(["spean.log", feed, *self.name.split("/")])
        attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": kind, "time": NOW, "recordedtime": NOW}
        attributes |= {"source": ":".join(["urn:spean", *self.name.split("/"), feed]), "datacontenttype": "application/json"}
        attributes |= {"dataschema": self.registry.contracts[kind][0], "dataclassification": "internal", "logformat": "1"}
        for _ in range(3):
            position, head = await self.head(feed, subject)
            event = Event({**attributes, "sequence": f"{position + 1:020}", "prevhash": head}, data, self.key)
            answer = await self.ask(subject, data, event.headers())
            if "spean" not in answer:
                self.registry.check_receipt(answer["receipt"], event)
                return print(compact(answer["receipt"]).decode())
            if answer["spean"]["answer"] == "refused" or "head" not in answer["spean"]:
                break
        need(False, "{answer}: {code} {details}".format(**answer["spean"]))

    async def messages(self, feed):
        """§13."""
        name = self.name.replace("/", "_") + "_" + uuid.uuid4().hex[:16]
        config = {"ack_policy": "none", "filter_subject": f"spean.log.{feed}.>", "mem_storage": True, "inactive_threshold": 60 * 10**9}
        made = await self.ask(f"$JS.API.CONSUMER.CREATE.{feed}.{name}", compact({"stream_name": feed, "config": config}))
        need("error" not in made, made)
        arrivals = await self.nats.subscribe(self.nats.new_inbox())
        for _ in range(made["num_pending"]):
            pull = compact({"batch": 1, "expires": 10**10})
            await self.nats.publish(f"$JS.API.CONSUMER.MSG.NEXT.{feed}.{name}", pull, arrivals.subject)
            yield await arrivals.next_msg(20)

    async def confirm(self, event):
        """§14."""
        said = {"reader": self.name, "log": event.attributes["source"], "position": event.position, "hash": event.hash, "time": NOW}
        said |= {"keyid": keyid(self.key.public), "sig": b64(self.key.sign(sealed("confirmation", said)))}
        parts = {name: event.attributes[name] for name in EXTENSIONS[3:5] + EXTENSIONS[:1] if name in event.attributes}
        parts |= {"core": b64url(event.core), "keyid": event.keyid, "sig": b64(event.signature)}
        evidence = {"Spean-Evidence": compact({"prev": event.prev, "event": parts}).decode()}
        subject = ".".join(["spean.confirm", *self.name.split("/"), event.feed, *event.office.split("/")])
        answer = await self.ask(subject, compact(said), evidence)
        need("error" not in answer, answer)


async def publish(office, feed, kind, *files):
    for file in files:
        with judged(file):
            await office.publish(feed, kind, Path(file).read_bytes())


async def read(office, feed, receipts=None):
    """§13, §15: of each log the ranges that events and declarations fill, by their ends."""
    logs = {}
    async for message in office.messages(feed):
        with judged(f"{message.subject} {(message.headers or {}).get('ce-sequence')}"):
            event, subject = Event.on_the_bus(message.headers or {}, message.data), message.subject.split(".")
            need(subject[2:5] == [event.feed, *event.office.split("/")], "source-mismatch")
            last, entry = event.position, (event.position, event.prev, event.hash, event)
            if subject[5:] == ["gap"]:
                last, entry = event.position - 1, (json.loads(event.data)["first"], None, event.prev, None)
            need(logs.setdefault(event.office, {}).setdefault(last, entry)[2] == entry[2], "branch")
            office.registry.check(event)
    for name, log in logs.items():
        with judged(f"{name} {feed} complete to {max(log)}"):
            position, head = 0, office.registry.genesis
            for last, (first, prev, hash, event) in sorted(log.items()):
                need(first <= position + 1, f"gap: {position + 1} to {first - 1} missing")
                need(prev in (head, None), f"chain-broken at {last}")
                position, head = last, hash
            if event and name != office.name and not FAULTS:
                await office.confirm(event)
    for line in Path(receipts).read_text().splitlines() if receipts else ():
        said = json.loads(line)
        with judged(f"receipt {said['log']} {said['position']}"):
            log = logs.get("/".join(said["log"].split(":")[2:4]), {})
            office.registry.check_receipt(said, log.get(said["position"], (None,) * 4)[3])


def vectors(folder):
    """§20."""
    files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    key = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    with judged("event"):
        block, data = files["event.nats"].split(b"\r\n\r\n", 1)
        sent, filed = Event.on_the_bus(block, data), Event.in_a_file(files["event.json"].decode())
        anew = Event({**sent.attributes}, data, key)
        need(sent.attributes == filed.attributes == anew.attributes and filed.data == data, "they differ")
        need((sent.material, sent.hash) == (files["event.dssematerial"], files["event.hash"].decode()), "another hash")
    for name in [name for name in files if re.match("(receipt|confirmation).*json", name)]:
        with judged(name):
            said, envelope = json.loads(files[name]), json.loads(files.get(name.replace("json", "dsse"), b"null"))
            message = sealed(re.match("[a-z]*", name)[0], said)
            need(is_signed(key.public, message, b64decode(said["sig"])), "signature-invalid")
            need(not envelope or pae(envelope["payloadType"], b64decode(envelope["payload"])) == message, "another envelope")
    with judged("evidence"):
        evidence, confirmed = json.loads(files["evidence.headers"].split(b": ", 1)[1]), json.loads(files["confirmation.json"])
        event, link = evidence["event"], {"sequence": f"{confirmed['position']:020}", "prevhash": evidence["prev"]}
        payload = payload_of(urlsafe_b64decode(event["core"] + "="), {**event, **link, "logformat": "1"})
        need(b64url(H(material_of(payload, event["keyid"], b64decode(event["sig"])))) == confirmed["hash"], "another event")
        need(is_signed(key.public, pae(EVENT, payload), b64decode(event["sig"])), "signature-invalid")
    for name in [name for name in files if name.startswith("ed25519")]:
        for case in json.loads(files[name])["cases"]:
            with judged(f"{name}: {case['case']}"):
                public, message, signature = (bytes.fromhex(case[part]) for part in ("key", "message", "signature"))
                need(is_signed(public, message, signature) == case["good"], f"it must be {case['good']}")


async def main(command, *words):
    if command == "vectors":
        return vectors(*words)
    with judged(command):
        office = await Office().connect(Path(words[0]), words[1])
        await {"publish": publish, "read": read}[command](office, *words[2:])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    sys.exit(1 if FAULTS else 0)
