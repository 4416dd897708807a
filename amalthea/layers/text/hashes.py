"""Stable hashes of text: the same number on every machine and in every run.

Source: G. Pike, FarmHash, 2014, function ``Fingerprint64`` (``farmhashna::Hash64``); J.-P. Aumasson and D. J.
Bernstein, "SipHash: a fast short-input PRF", 2012, with 2 and 4 rounds; for pairs the mixing step of MurmurHash2.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_MURMUR = 0xC6A4A7935BD1E995
CROSSING_KEY = 0xDECAFCAFFE  # the first fingerprint of every cross of features

_State = tuple[int, int, int, tuple[int, int], tuple[int, int]]


def _rotate(x: int, bits: int) -> int:
    """Rotate the lower 64 bits to the right."""
    x &= _MASK
    return ((x >> bits) | (x << (64 - bits))) & _MASK


def _mixed(x: int) -> int:
    x &= _MASK
    return x ^ (x >> 47)


def _pair(u: int, v: int, factor: int) -> int:
    """The hash of two 64-bit words."""
    a = _mixed((u ^ v) * factor)
    return (_mixed((v ^ a) * factor) * factor) & _MASK


def _word(data: bytes, start: int, size: int = 8) -> int:
    return int.from_bytes(data[start : start + size], "little")


def fingerprint(data: bytes) -> int:
    """Returns FarmHash's 64-bit fingerprint of some bytes.

    >>> fingerprint(b""), fingerprint(b"abc")
    (11160318154034397263, 2640714258260161385)
    """
    size = len(data)
    if size <= 16:
        return _up_to_16(data, size)
    if size <= 32:
        return _up_to_32(data, size)
    return _up_to_64(data, size) if size <= 64 else _longer(data, size)


def _up_to_16(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    if size >= 8:
        a, b = _word(data, 0) + _K2, _word(data, size - 8)
        return _pair((_rotate(b, 37) * factor + a) & _MASK, ((_rotate(a, 25) + b) * factor) & _MASK, factor)
    if size >= 4:
        return _pair((size + (_word(data, 0, 4) << 3)) & _MASK, _word(data, size - 4, 4), factor)
    if not size:
        return _K2
    y, z = data[0] + (data[size >> 1] << 8), size + (data[size - 1] << 2)
    return (_mixed((y * _K2) ^ (z * _K0)) * _K2) & _MASK


def _up_to_32(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a, b = _word(data, 0) * _K1, _word(data, 8)
    c, d = _word(data, size - 8) * factor, _word(data, size - 16) * _K2
    u = _rotate(a + b, 43) + _rotate(c, 30) + d
    return _pair(u & _MASK, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)


def _up_to_64(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, size - 8) * factor, _word(data, size - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _pair(y & _MASK, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)
    e, f = _word(data, 16) * factor, _word(data, 24)
    g, h = (y + _word(data, size - 32)) * factor, (z + _word(data, size - 24)) * factor
    u = _rotate(e + f, 43) + _rotate(g, 30) + h
    return _pair(u & _MASK, (e + _rotate(f + a, 18) + g) & _MASK, factor)


def _weak(data: bytes, start: int, a: int, b: int) -> tuple[int, int]:
    """Mix 32 bytes into two words."""
    w, x, y, z = (_word(data, start + i) for i in (0, 8, 16, 24))
    a += w
    b = _rotate(b + a + z, 21)
    c = a
    a += x + y
    return (a + z) & _MASK, (b + _rotate(a, 44) + c) & _MASK


def _longer(data: bytes, size: int) -> int:
    """Blocks of 64 bytes, then the last 64 bytes once more."""
    x, y = 81 * _K2 + _word(data, 0), (81 * _K1 + 113) & _MASK
    z = _mixed(y * _K2 + 113) * _K2
    state = (x & _MASK, y, z & _MASK, (0, 0), (0, 0))
    blocks = (size - 1) // 64
    for i in range(blocks):
        state = _block(data, 64 * i, state, _K1, 1)
    x, y, z, v, w = state
    factor = _K1 + ((z & 0xFF) << 1)
    first = (w[0] + ((size - 1) & 63)) & _MASK
    v = ((v[0] + first) & _MASK, v[1])
    w = ((first + v[0]) & _MASK, w[1])
    x, y, z, v, w = _block(data, size - 64, (x, y, z, v, w), factor, 9)
    u = _pair(v[0], w[0], factor) + _mixed(y) * _K0 + z
    return _pair(u & _MASK, (_pair(v[1], w[1], factor) + x) & _MASK, factor)


def _block(data: bytes, at: int, state: _State, k: int, times: int) -> _State:
    x, y, z, v, w = state
    x = _rotate(x + y + v[0] + _word(data, at + 8), 37) * k
    y = _rotate(y + v[1] + _word(data, at + 48), 42) * k
    x = (x ^ (w[1] * times)) & _MASK
    y = (y + v[0] * times + _word(data, at + 40)) & _MASK
    z = (_rotate(z + w[0], 33) * k) & _MASK
    v = _weak(data, at, v[1] * k, x + w[0])
    w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w  # z and x are exchanged


def fingerprint_of_pair(first: int, second: int) -> int:
    """Returns the fingerprint of two fingerprints, in this order."""
    found = first ^ _MURMUR
    found = ((found ^ (_mixed(second * _MURMUR) * _MURMUR)) * _MURMUR) & _MASK
    return _mixed(_mixed(found) * _MURMUR)


def siphash(data: bytes, key: tuple[int, int]) -> int:
    """Returns SipHash-2-4 of some bytes under a key of two 64-bit words.

    >>> siphash(bytes(range(15)), (0x0706050403020100, 0x0F0E0D0C0B0A0908)) == 0xA129CA6149BE45E5  # of the paper
    True
    """
    k0, k1 = key[0] & _MASK, key[1] & _MASK
    state = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    tail = len(data) % 8
    whole = len(data) - tail
    words = [_word(data, i) for i in range(0, whole, 8)]
    for word in (*words, _word(data, whole, tail) | ((len(data) & 0xFF) << 56)):
        a, b, c, d = state
        a, b, c, d = _sip_round(*_sip_round(a, b, c, d ^ word))
        state = (a ^ word, b, c, d)
    a, b, c, d = state
    c ^= 0xFF
    for _ in range(4):
        a, b, c, d = _sip_round(a, b, c, d)
    return a ^ b ^ c ^ d


def _sip_round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a, c = (a + b) & _MASK, (c + d) & _MASK
    b, d = _rotate(b, 51) ^ a, _rotate(d, 48) ^ c
    a = _rotate(a, 32)
    a, c = (a + d) & _MASK, (c + b) & _MASK
    d, b = _rotate(d, 43) ^ a, _rotate(b, 47) ^ c
    return a, b, _rotate(c, 32), d
