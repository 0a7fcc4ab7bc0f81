/* Tensors for proposers; the device needs double precision. */

#ifndef USE_MIXED_PRECISION
#ifndef USE_DOUBLE_PRECISION
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#endif
#endif

/** Write positions as a user sees them. */
KERNEL void fillTensor(int numParticles, GLOBAL const mixed4* RESTRICT positions, GLOBAL const double* RESTRICT shifts,
        GLOBAL double* RESTRICT tensor) {
    for (int i = GLOBAL_ID; i < numParticles; i += GLOBAL_SIZE) {
        mixed4 position = positions[i];
        tensor[3 * i] = (double) position.x - shifts[3 * i];
        tensor[3 * i + 1] = (double) position.y - shifts[3 * i + 1];
        tensor[3 * i + 2] = (double) position.z - shifts[3 * i + 2];
    }
}
