#include "BlockNetworkKernel.h"
#include <algorithm>

using namespace OpenMM;
using namespace std;

int OpenMM::getBlockNetworkKernels(const BlockNetworkKernel* kernels[3]) {
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        kernels[count++] = &BlockNetworkKernelAvx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        kernels[count++] = &BlockNetworkKernelAvx2;
#endif
    kernels[count++] = &BlockNetworkKernelGeneric;
    return count;
}

/** Room for rows, each of which is filled up to full units. */
static long roomFor(long rows, long lengths, int kinds) {
    return rows * (lengths + kinds * BlockRowUnit);
}

long OpenMM::getEncodeScratch(const BlockTables& tables, int numTorsions) {
    const long n = tables.torsions, width = tables.width, channels = width / tables.heads;
    const long layer = roomFor(n, 5 * width + tables.hidden, 5), gates = roomFor(numTorsions, 2 * width, 1);
    const long head = roomFor(n, 3 * channels + n, 4) + roomFor(channels, n, 1);
    return roomFor(n, width, 1) + roomFor(numTorsions, width, 1) + max(layer, gates) + head;
}

long OpenMM::getDecodeScratch(const BlockTables& tables, int numTorsions) {
    return roomFor(BlockBatch, 2 * tables.width + tables.hidden + tables.nodes, 4) +
           roomFor(long(BlockBatch) * numTorsions, tables.width, 1);
}

int OpenMM::getWeighCount(int numTorsions) {
    return max(1, BlockBatch / numTorsions);
}
