#ifndef OPENMM_BLOCKNETWORKTABLES_H_
#define OPENMM_BLOCKNETWORKTABLES_H_

#include "BlockNetworkKernel.h"
#include "genmd/BlockNetwork.h"
#include <deque>
#include <vector>

namespace OpenMM {

/** The weights of a BlockNetwork as its kernels read them. */
class BlockNetwork::Tables : public BlockTables {
public:
    /** Copy weights for a kernel with so many lanes. Throws a std::invalid_argument if sizes do not fit together. */
    Tables(const BlockWeights& weights, int numLanes);
    Tables(const Tables&) = delete;
    Tables& operator=(const Tables&) = delete;

private:
    const double* keep(std::vector<double> numbers);
    const double* keepRows(const std::vector<double>& rows, int length);
    DenseTable keepDense(const BlockDense& dense);
    DenseTable keepSparse(const BlockDense& dense);
    DenseTable keepStrips(const BlockDense& dense, const std::vector<int>& strips);
    int numLanes;
    std::deque<std::vector<double>> numbers;
    std::vector<BlockLayerTable> layerTables;
    std::vector<DenseTable> stepTables;
};

} // namespace OpenMM

#endif /*OPENMM_BLOCKNETWORKTABLES_H_*/
