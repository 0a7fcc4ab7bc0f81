#ifndef OPENMM_WALLCLOCK_H_
#define OPENMM_WALLCLOCK_H_

#include <chrono>

/** Get the wall time in seconds since some moment that stays the same. */
inline double getWallSeconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

#endif /*OPENMM_WALLCLOCK_H_*/
