"""The random numbers of the engine, drawn again: the readable twin of plugin/src/JumpRandom.cpp."""

import math

import numpy as np

MASK = 2**64 - 1


class JumpRandom:
    """xoshiro256** (Blackman and Vigna, ACM Trans. Math. Softw. 47, 36 (2021)), and Box-Muller."""

    def __init__(self, seed: int) -> None:
        self.state = []
        for _ in range(4):
            seed = z = (seed + 0x9E3779B97F4A7C15) & MASK
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.state.append(z ^ (z >> 31))

    def bits(self) -> int:
        s = self.state
        result, t = (rotated((s[1] * 5) & MASK, 7) * 9) & MASK, (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 45)
        return result

    def uniform(self) -> float:
        return (self.bits() >> 11) * 2.0**-53

    def gaussian(self) -> float:
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())

    def random(self, size) -> np.ndarray:
        return np.array([self.uniform() for _ in range(np.prod(size, dtype=int))]).reshape(size)

    def normal(self, size) -> np.ndarray:
        return np.array([self.gaussian() for _ in range(np.prod(size, dtype=int))]).reshape(size)


def rotated(x: int, k: int) -> int:
    return ((x << k) | (x >> (64 - k))) & MASK
