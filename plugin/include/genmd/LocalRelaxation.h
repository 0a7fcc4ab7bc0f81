#ifndef OPENMM_LOCALRELAXATION_H_
#define OPENMM_LOCALRELAXATION_H_

#include "genmd/SwitchingProtocol.h"

namespace OpenMM {

/**
 * Leaps, minimizes the energy, runs some MD, and accepts by the energy difference. What it samples is NOT the Boltzmann
 * distribution: the way back is not the way there, and no log ratio knows about it. For finding paths and seeds; its
 * grade is exploratory, whatever the proposer's is.
 */
class OPENMM_EXPORT_GENMD LocalRelaxation : public JumpProtocol {
public:
    /**
     * Create a LocalRelaxation. Throws an OpenMMException if a number is out of range.
     *
     * @param maxIterations   iterations of the minimizer; 0 for as many as it takes, -1 for no minimization
     * @param numSteps        MD steps afterwards, which may be 0
     * @param stepSize        of the MD, in ps
     * @param friction        of the MD, in 1/ps
     */
    LocalRelaxation(int maxIterations, int numSteps, double stepSize, double friction);
    int getMaxIterations() const {
        return maxIterations;
    }
    int getNumSteps() const {
        return numSteps;
    }
    /** Get the settings of the MD. */
    SwitchingSettings getDynamicsSettings() const;
    std::string getName() const;
    JumpProtocol* clone() const;
    void serialize(SerializationNode& node) const;
    static LocalRelaxation* deserialize(const SerializationNode& node);
    bool movesEverything() const {
        return true;
    }
    bool isExploratory() const {
        return true;
    }
    void perform(JumpEngine& engine) const;

private:
    int maxIterations, numSteps;
    double stepSize, friction;
};

} // namespace OpenMM

#endif /*OPENMM_LOCALRELAXATION_H_*/
