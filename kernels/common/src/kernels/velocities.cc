/* Velocities and forces of a jump: arrays named kept, and forces at x and y, are in the System's order. */

/** Remember the forces, which are 64 bit fixed point numbers. */
KERNEL void keepForces(int numAtoms, int paddedNumAtoms, GLOBAL const int* RESTRICT atomIndex,
        GLOBAL const mm_long* RESTRICT forces, GLOBAL mm_long* RESTRICT kept) {
    FOR_EACH(i, numAtoms) {
        int particle = atomIndex[i];
        kept[particle] = forces[i];
        kept[particle + paddedNumAtoms] = forces[i + paddedNumAtoms];
        kept[particle + 2 * paddedNumAtoms] = forces[i + 2 * paddedNumAtoms];
    }
}

/** Collect remembered forces of a few particles. */
KERNEL void gatherForces(int numParticles, int paddedNumAtoms, GLOBAL const int* RESTRICT particles,
        GLOBAL const mm_long* RESTRICT kept, GLOBAL mm_long* RESTRICT gathered) {
    for (int i = GLOBAL_ID; i < numParticles; i += GLOBAL_SIZE)
        for (int axis = 0; axis < 3; axis++)
            gathered[3 * i + axis] = kept[particles[i] + axis * paddedNumAtoms];
}

/** Remember the velocities. */
KERNEL void keepVelocities(int numAtoms, GLOBAL const int* RESTRICT atomIndex, GLOBAL const mixed4* RESTRICT velm,
        GLOBAL mixed4* RESTRICT kept) {
    FOR_EACH(i, numAtoms)
        kept[atomIndex[i]] = velm[i];
}

/** Collect remembered velocities of a few particles. */
KERNEL void gatherVelocities(int numParticles, GLOBAL const int* RESTRICT particles,
        GLOBAL const mixed4* RESTRICT kept, GLOBAL mixed4* RESTRICT gathered) {
    for (int i = GLOBAL_ID; i < numParticles; i += GLOBAL_SIZE)
        gathered[i] = kept[particles[i]];
}

/** Set the velocities of the particles that slots points to a new one for, and zero those of all others. */
KERNEL void placeVelocities(int numAtoms, GLOBAL const int* RESTRICT atomIndex, GLOBAL mixed4* RESTRICT velm,
        GLOBAL const int* RESTRICT slots, GLOBAL const mixed4* RESTRICT newVelocities) {
    FOR_EACH(i, numAtoms) {
        int slot = slots[atomIndex[i]];
        mixed4 velocity = (slot < 0 ? make_mixed4(0, 0, 0, 0) : newVelocities[slot]);
        velm[i] = make_mixed4(velocity.x, velocity.y, velocity.z, velm[i].w);
    }
}

/** Set the velocities of particles that get no new one to (offset/m)(F(x) - F(y)); velm.w is 1/m. */
KERNEL void placeForceChange(int numAtoms, int paddedNumAtoms, mixed offset, GLOBAL const int* RESTRICT atomIndex,
        GLOBAL mixed4* RESTRICT velm, GLOBAL const int* RESTRICT slots, GLOBAL const mm_long* RESTRICT forcesAtX,
        GLOBAL const mm_long* RESTRICT forcesAtY) {
    const mixed scale = 1 / (mixed) 0x100000000;
    FOR_EACH(i, numAtoms) {
        int particle = atomIndex[i];
        if (slots[particle] < 0) {
            mixed factor = scale * offset * velm[i].w;
            velm[i] = make_mixed4(factor * (forcesAtX[particle] - forcesAtY[particle]),
                    factor * (forcesAtX[particle + paddedNumAtoms] - forcesAtY[particle + paddedNumAtoms]),
                    factor * (forcesAtX[particle + 2 * paddedNumAtoms] - forcesAtY[particle + 2 * paddedNumAtoms]),
                    velm[i].w);
        }
    }
}

/** Add the remembered velocities of particles that got no new one. */
KERNEL void addKeptVelocities(int numAtoms, GLOBAL const int* RESTRICT atomIndex, GLOBAL mixed4* RESTRICT velm,
        GLOBAL const int* RESTRICT slots, GLOBAL const mixed4* RESTRICT kept) {
    FOR_EACH(i, numAtoms) {
        int particle = atomIndex[i];
        if (slots[particle] < 0) {
            mixed4 velocity = velm[i], old = kept[particle];
            velm[i] = make_mixed4(velocity.x + old.x, velocity.y + old.y, velocity.z + old.z, velocity.w);
        }
    }
}
