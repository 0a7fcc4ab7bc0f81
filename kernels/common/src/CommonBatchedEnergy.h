#ifndef OPENMM_GENMD_COMMONBATCHEDENERGY_H_
#define OPENMM_GENMD_COMMONBATCHEDENERGY_H_

#include "genmd/BatchedEnergyKernel.h"
#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"

namespace OpenMM {

/** The BatchedEnergyKernel for OpenCL, CUDA and HIP. A large batch is evaluated in pieces of bounded size. */
class CommonBatchedEnergy : public BatchedEnergyKernel {
public:
    CommonBatchedEnergy(const Platform& platform, ComputeContext& cc);
    void initialize(const BatchedTerms& terms) override;
    void evaluate(const double* positions, int count, double* energies) override;

private:
    void compileKernels(const std::map<std::string, std::string>& defines);
    void makeRoom(int count);
    void evaluatePiece(const double* newRows, int count, double* result);
    ComputeContext& cc;
    int numParticles;
    ComputeArray integers, reals, rows, positions, inverseRadii, shares, energies;
    ComputeKernel transposeKernel, bornKernel, sharesKernel, sumKernel;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_COMMONBATCHEDENERGY_H_*/
