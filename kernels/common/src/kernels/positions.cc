/* Positions move between OpenMM's arrays, whose order of atoms changes, and arrays in the System's order. */

/** Remember the positions. */
KERNEL void keepPositions(int numAtoms, GLOBAL const int* RESTRICT atomIndex, GLOBAL const real4* RESTRICT posq,
        GLOBAL real4* RESTRICT kept
#ifdef USE_MIXED_PRECISION
        , GLOBAL const float4* RESTRICT posqCorrection, GLOBAL float4* RESTRICT keptCorrection
#endif
        ) {
    FOR_EACH(i, numAtoms) {
        int particle = atomIndex[i];
        kept[particle] = posq[i];
#ifdef USE_MIXED_PRECISION
        keptCorrection[particle] = posqCorrection[i];
#endif
    }
}

/** Put the remembered positions back, except where slots points to a new one. Charges stay as they are. */
KERNEL void placePositions(int numAtoms, int hasNew, GLOBAL const int* RESTRICT atomIndex, GLOBAL real4* RESTRICT posq,
        GLOBAL const real4* RESTRICT kept, GLOBAL const int* RESTRICT slots, GLOBAL const real4* RESTRICT newPositions
#ifdef USE_MIXED_PRECISION
        , GLOBAL float4* RESTRICT posqCorrection, GLOBAL const float4* RESTRICT keptCorrection,
        GLOBAL const float4* RESTRICT newCorrections
#endif
        ) {
    FOR_EACH(i, numAtoms) {
        int particle = atomIndex[i];
        int slot = (hasNew ? slots[particle] : -1);
        real4 position = (slot < 0 ? kept[particle] : newPositions[slot]);
        posq[i] = make_real4(position.x, position.y, position.z, posq[i].w);
#ifdef USE_MIXED_PRECISION
        posqCorrection[i] = (slot < 0 ? keptCorrection[particle] : newCorrections[slot]);
#endif
    }
}

/** Collect remembered positions of a few particles. */
KERNEL void gatherPositions(int numParticles, GLOBAL const int* RESTRICT particles, GLOBAL const real4* RESTRICT kept,
        GLOBAL mixed4* RESTRICT gathered
#ifdef USE_MIXED_PRECISION
        , GLOBAL const float4* RESTRICT keptCorrection
#endif
        ) {
    for (int i = GLOBAL_ID; i < numParticles; i += GLOBAL_SIZE) {
        real4 position = kept[particles[i]];
#ifdef USE_MIXED_PRECISION
        float4 correction = keptCorrection[particles[i]];
        gathered[i] = make_mixed4((mixed) position.x + (mixed) correction.x, (mixed) position.y + (mixed) correction.y,
                (mixed) position.z + (mixed) correction.z, 0);
#else
        gathered[i] = make_mixed4(position.x, position.y, position.z, 0);
#endif
    }
}

/** Move a few atoms, given by their places in OpenMM's arrays. */
KERNEL void scatterPositions(int numParticles, GLOBAL const int* RESTRICT places, GLOBAL real4* RESTRICT posq,
        GLOBAL const real4* RESTRICT newPositions
#ifdef USE_MIXED_PRECISION
        , GLOBAL float4* RESTRICT posqCorrection, GLOBAL const float4* RESTRICT newCorrections
#endif
        ) {
    for (int i = GLOBAL_ID; i < numParticles; i += GLOBAL_SIZE) {
        real4 position = newPositions[i];
        posq[places[i]] = make_real4(position.x, position.y, position.z, posq[places[i]].w);
#ifdef USE_MIXED_PRECISION
        posqCorrection[places[i]] = newCorrections[i];
#endif
    }
}

/** Put a few atoms back to where they are remembered. */
KERNEL void restorePositions(int numParticles, GLOBAL const int* RESTRICT places, GLOBAL real4* RESTRICT posq,
        GLOBAL const int* RESTRICT particles, GLOBAL const real4* RESTRICT kept
#ifdef USE_MIXED_PRECISION
        , GLOBAL float4* RESTRICT posqCorrection, GLOBAL const float4* RESTRICT keptCorrection
#endif
        ) {
    for (int i = GLOBAL_ID; i < numParticles; i += GLOBAL_SIZE) {
        real4 position = kept[particles[i]];
        posq[places[i]] = make_real4(position.x, position.y, position.z, posq[places[i]].w);
#ifdef USE_MIXED_PRECISION
        posqCorrection[places[i]] = keptCorrection[particles[i]];
#endif
    }
}
