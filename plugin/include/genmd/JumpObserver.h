#ifndef OPENMM_JUMPOBSERVER_H_
#define OPENMM_JUMPOBSERVER_H_

#include "genmd/JumpRecord.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/Vec3.h"
#include <vector>

namespace OpenMM {

/**
 * Sees the conformations among which an attempt decided, with the weights that waste recycling gives them: the average
 * over attempts of sum_i weights[i] f(conformation i) is an unbiased estimate of the Boltzmann average of f, with less
 * noise than the average over the conformations that the chain went on with.
 */
class OPENMM_EXPORT_GENMD JumpObserver {
public:
    virtual ~JumpObserver();
    /**
     * Called after every attempt. It must not touch the Context.
     *
     * @param record      what happened; index and step are not set
     * @param positions   one block per conformation, of the moved particles in nm; the first is the one before the
     * attempt
     * @param weights     one weight per conformation; their sum is 1
     */
    virtual void observe(const JumpRecord& record, const std::vector<Vec3>& positions,
                         const std::vector<double>& weights) = 0;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPOBSERVER_H_*/
