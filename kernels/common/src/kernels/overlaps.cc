/* Overlaps of moved particles with others; positions are those of the moment, radii are in the System's order. */

/** Collect positions and radii of the moved particles. */
KERNEL void collectMoved(int numAtoms, GLOBAL const int* RESTRICT atomIndex, GLOBAL const real4* RESTRICT posq,
        GLOBAL const real* RESTRICT radii, GLOBAL const int* RESTRICT slots, GLOBAL real4* RESTRICT moved) {
    FOR_EACH(i, numAtoms) {
        int slot = slots[atomIndex[i]];
        if (slot >= 0)
            moved[slot] = make_real4(posq[i].x, posq[i].y, posq[i].z, radii[atomIndex[i]]);
    }
}

/** Get the squared distance between two particles, to the nearest periodic image if there is a box. */
DEVICE real getSquaredDistance(real4 first, real4 second, int periodic, real4 boxX, real4 boxY, real4 boxZ) {
    real x = first.x - second.x, y = first.y - second.y, z = first.z - second.z;
    if (periodic) {
        real shift = floor(z / boxZ.z + (real) 0.5);
        x -= shift * boxZ.x;
        y -= shift * boxZ.y;
        z -= shift * boxZ.z;
        shift = floor(y / boxY.y + (real) 0.5);
        x -= shift * boxY.x;
        y -= shift * boxY.y;
        x -= floor(x / boxX.x + (real) 0.5) * boxX.x;
    }
    return x * x + y * y + z * z;
}

/** Look at each particle that is within reach of the first moved one. */
KERNEL void findOverlaps(int numAtoms, int numMoved, int periodic, real4 boxX, real4 boxY, real4 boxZ, real reach,
        GLOBAL const int* RESTRICT atomIndex, GLOBAL const real4* RESTRICT posq, GLOBAL const real* RESTRICT radii,
        GLOBAL const real4* RESTRICT moved, GLOBAL const int* RESTRICT movedParticles,
        GLOBAL const int* RESTRICT firstException, GLOBAL const int* RESTRICT exceptions, GLOBAL int* RESTRICT found) {
    FOR_EACH(i, numAtoms) {
        int particle = atomIndex[i];
        real radius = radii[particle];
        real4 position = posq[i];
        if (radius > 0 && getSquaredDistance(position, moved[0], periodic, boxX, boxY, boxZ) < reach * reach)
            for (int j = 0; j < numMoved; j++) {
                real limit = radius + moved[j].w;
                if (getSquaredDistance(position, moved[j], periodic, boxX, boxY, boxZ) >= limit * limit)
                    continue;
                int isException = (particle == movedParticles[j]);
                for (int k = firstException[j]; k < firstException[j + 1]; k++)
                    isException |= (exceptions[k] == particle);
                if (!isException)
                    found[0] = 1;
            }
    }
}
