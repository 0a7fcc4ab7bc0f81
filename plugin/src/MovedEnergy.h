#ifndef GENMD_MOVEDENERGY_H_
#define GENMD_MOVEDENERGY_H_

#include "genmd/CandidateEnergy.h"
#include "openmm/System.h"
#include <functional>
#include <memory>
#include <vector>

/**
 * A surrogate energy as a function of where the moved particles are.
 */
class MovedEnergy {
public:
    /**
     * Find the particles of the surrogate among the moved ones. Throws an OpenMMException if the System lacks one of
     * them, or if none of them is moved.
     */
    MovedEnergy(const OpenMM::System& system, const std::vector<int>& particles,
                std::shared_ptr<OpenMM::CandidateEnergy> surrogate);
    const std::shared_ptr<OpenMM::CandidateEnergy>& getSurrogate() const {
        return surrogate;
    }
    /**
     * Evaluate the energies of conformations.
     *
     * @param positions   one block of the moved particles per conformation, in nm
     * @param count       the number of conformations
     * @param gather      tells where the surrogate's other particles are
     * @return energies in kJ/mol; NaN or infinite where there is none
     */
    std::vector<double> evaluate(const std::vector<OpenMM::Vec3>& positions, int count,
                                 const std::function<std::vector<OpenMM::Vec3>(const std::vector<int>&)>& gather) const;

private:
    int numMoved;
    std::shared_ptr<OpenMM::CandidateEnergy> surrogate;
    /** For each particle of the surrogate, its place among the moved ones, or -1. */
    std::vector<int> source;
};

#endif /*GENMD_MOVEDENERGY_H_*/
