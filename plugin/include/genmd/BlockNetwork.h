#ifndef OPENMM_BLOCKNETWORK_H_
#define OPENMM_BLOCKNETWORK_H_

#include "genmd/windowsExportGenMD.h"
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace OpenMM {

struct BlockNetworkKernel;
struct BlockContext;

/** A dense layer: output o is bias[o] plus the sum over inputs i of x[i] * matrix[i * outputs + o]. */
struct BlockDense {
    int inputs, outputs;
    std::vector<double> matrix, bias;
};

/** One layer of the encoder of a BlockNetwork. Queries are scaled; the bias of attention is (heads, n, n). */
struct BlockLayer {
    BlockDense query, keyValue, out, up, down;
    std::vector<double> bias;
};

/** The weights of a BlockNetwork for n torsions, row by row. */
struct BlockWeights {
    /** The sizes. Cosines and sines of the first multiples of an angle are its features, 2 * harmonics of them. */
    int torsions, width, heads, hidden, nodes, harmonics;
    /** (n, width), of the torsions; and (width), added for those of the block. */
    std::vector<double> embedding, unknown;
    /** (n, features, width) and (n, features, hidden): what features of its value add for each torsion. */
    std::vector<double> kept, drawn;
    std::vector<BlockLayer> layers;
    /** Of the decoder; queries are scaled. */
    BlockDense queryKey, content, value, base, heard, logits;
    /** Up and down of each network between what is known about a torsion and its density. */
    std::vector<std::pair<BlockDense, BlockDense>> steps;
    /** (heads, n, n), and (n, nodes), added to the logits. */
    std::vector<double> listening, marginal;
};

class BlockConditional;

/**
 * Densities of blocks of torsions of a molecule, given all its other torsions: the network of openmm_genmd's
 * BlockTransformer, which describes it, in double precision with the processor's vector instructions.
 *
 * A network does not change, and may be used by several threads at once.
 */
class OPENMM_EXPORT_GENMD BlockNetwork {
public:
    /**
     * Create a BlockNetwork.
     *
     * @param weights          the weights
     * @param instructionSet   one of getInstructionSets(), or an empty string for the fastest
     *
     * Throws a std::invalid_argument if sizes do not fit together, or the machine has no such instruction set.
     */
    explicit BlockNetwork(const BlockWeights& weights, const std::string& instructionSet = "");
    ~BlockNetwork();
    /** Get how many torsions the molecule has. */
    int getNumTorsions() const;
    /** Get which instruction set is used. */
    std::string getInstructionSet() const;
    /** Get the instruction sets that can be used on this machine, the fastest first. */
    static std::vector<std::string> getInstructionSets();

private:
    friend class BlockConditional;
    class Tables;
    const BlockNetworkKernel* kernel;
    std::unique_ptr<const Tables> tables;
};

/**
 * The density of a block of torsions for given values of the others: the product of a density for each torsion, given
 * those before it. It may be used by several threads at once.
 */
class OPENMM_EXPORT_GENMD BlockConditional {
public:
    /**
     * Create a BlockConditional: run the encoder.
     *
     * @param network      the network
     * @param block        the numbers of the block's torsions, in the order in which they are drawn
     * @param kept         the numbers of the others
     * @param keptAngles   their values, in radians; one that is not a number makes all densities not a number
     *
     * Throws a std::invalid_argument if the block is empty, a number is out of range or occurs twice, or there are not
     * as many values as torsions that are kept.
     */
    BlockConditional(std::shared_ptr<const BlockNetwork> network, const std::vector<int>& block,
                     const std::vector<int>& kept, const std::vector<double>& keptAngles);
    ~BlockConditional();
    /** Get how many torsions the block has, m. */
    int getNumTorsions() const;
    /** Get how many uniform random numbers a draw takes for each torsion. */
    static int getNumbersPerTorsion();
    /**
     * Draw candidates.
     *
     * @param count          how many
     * @param uniform        count * m * getNumbersPerTorsion() random numbers in [0, 1)
     * @param anywhere       which candidates are uniform on the torus, by the first number of each torsion, and are
     *                       only weighed
     * @param angles         on exit, count * m angles in [-pi, pi) radians
     * @param logDensities   on exit, count log densities, in radians
     */
    void draw(int count, const double* uniform, const bool* anywhere, double* angles, double* logDensities) const;
    /**
     * Weigh candidates. Densities of drawn ones are those with which they were drawn, to rounding.
     *
     * @param count          how many
     * @param angles         count * m angles in radians; one that is not a number makes the density not a number
     * @param logDensities   on exit, count log densities, in radians
     */
    void weigh(int count, const double* angles, double* logDensities) const;

private:
    std::shared_ptr<const BlockNetwork> network;
    std::vector<int> block;
    std::vector<double> base, content, gates;
    std::unique_ptr<const BlockContext> context;
};

} // namespace OpenMM

#endif /*OPENMM_BLOCKNETWORK_H_*/
