#ifndef OPENMM_BLOCKNETWORKKERNEL_H_
#define OPENMM_BLOCKNETWORKKERNEL_H_

/*
 * What a kernel for a block network sees. The kernels are compiled for one instruction set each, so that nothing that
 * may be shared with other files, such as a template of the standard library, may be used there.
 */

namespace OpenMM {

/** Candidates, or torsions of candidates, that a kernel treats at once: what they need fits into the nearest caches. */
const int BlockBatch = 32;

/** Rows of numbers are as long as a multiple of this, the most lanes of a kernel. */
const int BlockRowUnit = 8;

/**
 * How many vectors of outputs of a dense layer are computed together, and lie together in its matrix; and of one whose
 * inputs are mostly zero.
 */
const int DenseVectors = 4, SparseVectors = 8;

/** Uniform random numbers per torsion: one for the node, and the four whose sum has the density of a bump. */
const int DrawNumbers = 5;

/**
 * A matrix in strips of outputs, each of which has its outputs of the first input, then of the second, and so on. A
 * strip has DenseVectors vectors, the last one what is left; of sparse layers SparseVectors, or 1 each at the end.
 * Outputs are filled up to full units with zeros.
 */
struct DenseTable {
    int inputs, outputs;
    const double *matrix, *bias;
};

struct BlockLayerTable {
    DenseTable query, keyValue, out, up;
    /** For sparse inputs. */
    DenseTable down;
    const double* bias;
};

/** The numbers of BlockWeights, under the same names. Rows have full units. */
struct BlockTables {
    int torsions, width, heads, hidden, nodes, harmonics, numLayers, numSteps;
    const double *embedding, *unknown, *kept, *drawn, *listening, *marginal;
    const BlockLayerTable* layers;
    DenseTable queryKey, content, value, base, heard, logits;
    /** Up and down of each step. Down, and value, are for sparse inputs. */
    const DenseTable* steps;
};

/** What the encoder is given. */
struct BlockInput {
    int numKept;
    const int* kept;
    const double* keptAngles;
};

/** What the encoder says about the torsions of a block. Rows have full units. */
struct BlockContext {
    int numTorsions;
    const int* torsions;
    /** For each torsion a row of width, and one of hidden numbers. */
    double *base, *content;
    /** For each torsion, and each before it, a row of width numbers. */
    double* gates;
};

/** Candidates to be drawn, at most BlockBatch; for each and each torsion DrawNumbers numbers. */
struct BlockDraws {
    int count;
    const double* uniform;
    /** Those that are drawn uniformly and only weighed. */
    const bool* anywhere;
    double *angles, *logDensities;
};

/** A kernel for one instruction set. Scratch is as large as getEncodeScratch or getDecodeScratch say, and aligned. */
struct BlockNetworkKernel {
    const char* name;
    int numLanes;
    void (*encode)(const BlockTables& tables, const BlockInput& input, const BlockContext& context, double* scratch);
    void (*draw)(const BlockTables& tables, const BlockContext& context, const BlockDraws& draws, double* scratch);
    /** Weigh candidates, at most getWeighCount of them. */
    void (*weigh)(const BlockTables& tables, const BlockContext& context, int count, const double* angles,
                  double* logDensities, double* scratch);
};

extern const BlockNetworkKernel BlockNetworkKernelGeneric;
#if defined(__x86_64__)
extern const BlockNetworkKernel BlockNetworkKernelAvx2;
extern const BlockNetworkKernel BlockNetworkKernelAvx512;
#endif

/** Get the kernels that this machine can run, the fastest first. */
int getBlockNetworkKernels(const BlockNetworkKernel* kernels[3]);

/** Get how many numbers of scratch the encoder needs. */
long getEncodeScratch(const BlockTables& tables, int numTorsions);

/** Get how many numbers of scratch drawing and weighing need. */
long getDecodeScratch(const BlockTables& tables, int numTorsions);

/** Get how many candidates are weighed at once: their torsions fill a batch. */
int getWeighCount(int numTorsions);

} // namespace OpenMM

#endif /*OPENMM_BLOCKNETWORKKERNEL_H_*/
