#include "genmd/JumpRandom.h"
#include "openmm/OpenMMException.h"
#include <cmath>

using namespace OpenMM;

static uint64_t rotateLeft(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

static uint64_t splitmix64(uint64_t& x) {
    x += 0x9e3779b97f4a7c15ULL;
    uint64_t z = x;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

JumpRandom::JumpRandom(uint64_t seed) {
    this->seed(seed);
}

void JumpRandom::seed(uint64_t seed) {
    for (uint64_t& word : state)
        word = splitmix64(seed);
}

uint64_t JumpRandom::nextBits() {
    uint64_t result = rotateLeft(state[1] * 5, 7) * 9;
    uint64_t t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotateLeft(state[3], 45);
    return result;
}

double JumpRandom::nextUniform() {
    return (nextBits() >> 11) * 0x1.0p-53;
}

double JumpRandom::nextGaussian() {
    double radius = std::sqrt(-2 * std::log(1 - nextUniform()));
    return radius * std::cos(2 * M_PI * nextUniform());
}

void JumpRandom::setState(const State& newState) {
    if (newState == State{})
        throw OpenMMException("JumpRandom: a state of four zero words was given, from which only zeros follow");
    state = newState;
}
