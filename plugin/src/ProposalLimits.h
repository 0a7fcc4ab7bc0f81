#ifndef GENMD_PROPOSALLIMITS_H_
#define GENMD_PROPOSALLIMITS_H_

#include "openmm/Vec3.h"
#include <cmath>
#include <vector>

/** Beyond this distance from the origin (nm) neighbor lists overflow: such a position is as good as infinite. */
const double LARGEST_COORDINATE = 1e6;

/** Get whether a Context can take these positions. */
inline bool arePlaceable(const std::vector<OpenMM::Vec3>& positions) {
    for (const OpenMM::Vec3& position : positions)
        for (int axis = 0; axis < 3; axis++)
            if (!(std::fabs(position[axis]) < LARGEST_COORDINATE))
                return false;
    return true;
}

#endif /*GENMD_PROPOSALLIMITS_H_*/
