#ifndef OPENMM_JUMPRANDOM_H_
#define OPENMM_JUMPRANDOM_H_

#include "genmd/windowsExportGenMD.h"
#include <array>
#include <cstdint>

namespace OpenMM {

/**
 * The random numbers of the jumps: xoshiro256** (Blackman and Vigna, ACM Trans. Math. Softw. 47, 36 (2021)),
 * seeded with splitmix64. Its whole state is four words, so checkpoints hold it exactly; the same seed gives the
 * same numbers on every machine.
 */
class OPENMM_EXPORT_GENMD JumpRandom {
public:
    typedef std::array<uint64_t, 4> State;
    /** Start the sequence that belongs to a seed. */
    explicit JumpRandom(uint64_t seed = 1);
    /** Restart with the sequence that belongs to a seed. */
    void seed(uint64_t seed);
    /** Get 64 uniformly distributed bits. */
    uint64_t nextBits();
    /** Get a number that is uniform on [0, 1), with 53 bits. */
    double nextUniform();
    /** Get a number with standard normal distribution (Box-Muller; two uniforms each, nothing is kept back). */
    double nextGaussian();
    /** Get the complete state. */
    const State& getState() const {
        return state;
    }
    /** Continue from a state that getState() returned. Throws an OpenMMException if it is all zero. */
    void setState(const State& newState);

private:
    State state;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPRANDOM_H_*/
