"""Section 5 of docs/protocol.md, as far as a library for Ed25519 would stand for it: the one rule, which libraries do not keep to the letter, the
names of keys, seals. In: bytes. Out: keys, signatures, verdicts. Never: a key that is worth anything, as these sums take a time that depends on it."""

import json
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256, sha512

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SEALED = {
    "receipt": "log position hash admitted gateway registry newest".split(),
    "confirmation": "reader log position hash time registry newest".split(),
}


class Point(tuple):
    """Of the curve, in extended coordinates (RFC 8032 §5.1.4)."""

    def __add__(self, other):
        (x, y, z, t), (x2, y2, z2, t2) = self, other
        a, b, c, d = (y - x) * (y2 - x2), (y + x) * (y2 + x2), 2 * t * t2 * D, 2 * z * z2
        e, f, g, h = b - a, d - c, d + c, b + a
        return Point((e * f % P, g * h % P, f * g % P, e * h % P))

    def __rmul__(self, n):
        out, double = NEUTRAL, self
        while n:
            out, double, n = (out + double if n & 1 else out), double + double, n >> 1
        return out

    def __bytes__(self):
        x, y = (self[i] * pow(self[2], -1, P) % P for i in (0, 1))
        return (y | x % 2 << 255).to_bytes(32, "little")

    @staticmethod
    def read(encoded):
        """The point, if this is its one form."""
        y, sign = number(encoded) % 2**255, encoded[31] >> 7
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        roots = (pow(square, (P + 3) // 8, P) * i % P for i in (1, pow(2, (P - 1) // 4, P)))
        x = next((x if x % 2 == sign else P - x for x in roots if x * x % P == square), None)
        # Where x is 0 there is no -x: with the sign bit set it would be P.
        return Point((x, y, 1, x * y % P)) if y < P and x is not None and x < P else None


def number(data):
    return int.from_bytes(data, "little")


NEUTRAL = Point((0, 1, 1, 0))
BASE = Point.read((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


@cache
def key(public):
    """The point of a key; None for bytes that are none."""
    a = Point.read(public) if len(public) == 32 else None
    return a if a and bytes(L * a) == bytes(NEUTRAL) != public else None


def is_signed(public, message, signature):
    r = Point.read(signature[:32]) if len(signature) == 64 else None
    s = number(signature[32:])
    if not key(public) or not r or s >= L or bytes(8 * r) == bytes(NEUTRAL):
        return False
    k = number(sha512(signature[:32] + public + message).digest()) % L
    return bytes(8 * s * BASE) == bytes(8 * (r + k * key(public)))


class SigningKey:
    """RFC 8032 §5.1.6."""

    def __init__(self, secret):
        halves = sha512(secret).digest()
        self.a, self.prefix = number(halves[:32]) & 2**254 - 8 | 2**254, halves[32:]
        self.public = bytes(self.a * BASE)

    def sign(self, message):
        r = number(sha512(self.prefix + message).digest()) % L
        k = number(sha512(bytes(r * BASE) + self.public + message).digest()) % L
        return bytes(r * BASE) + ((r + k * self.a) % L).to_bytes(32, "little")


def b64url(data):
    return urlsafe_b64encode(data).decode().rstrip("=")


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def keyid(public):
    """RFC 7638, RFC 8037."""
    return b64url(sha256(compact({"crv": "Ed25519", "kty": "OKP", "x": b64url(public)})).digest())


def pae(kind, payload):
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def sealed(kind, said):
    """What the seal of a statement signs."""
    if not set(said) <= {*SEALED[kind], "keyid", "sig"}:
        raise ValueError(f"a {kind} with an unknown member")
    members = {name: said[name] for name in SEALED[kind] if name in said}
    return pae(f"application/vnd.spean.{kind}.v1+json", compact(members))
