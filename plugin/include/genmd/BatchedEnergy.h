#ifndef OPENMM_BATCHEDENERGY_H_
#define OPENMM_BATCHEDENERGY_H_

#include "genmd/BatchedTerms.h"
#include "genmd/CandidateEnergy.h"
#include "openmm/Platform.h"
#include <memory>
#include <string>
#include <vector>

namespace OpenMM {

class BatchedEnergyDevice;
struct BatchedKernel;
struct BatchedTables;

/**
 * Potential energies of many conformations of some molecules of a System at once, in double precision: by the
 * processor's vector instructions, or on the device of a platform that has a BatchedEnergyKernel.
 *
 * The energy is built from the System's own HarmonicBondForce, HarmonicAngleForce, PeriodicTorsionForce,
 * RBTorsionForce, CMAPTorsionForce, NonbondedForce and GBSAOBCForce, neither of them with a cutoff or with periodic
 * boundary conditions. It is that of the given particles alone: what they feel from other particles, in the Born
 * radii too, is left out. Global parameters of a NonbondedForce have their default values. Thermostats, barostats,
 * CMMotionRemovers and constraints have no energy. Anything else is an error that lists what is in the way.
 *
 * The number of threads does not change an energy by a single bit, and what else is in a batch changes its rounding at
 * most: terms of pairs that have the same distance as in the first conformation, to 1e-12 of its square, are taken from
 * there, so that a leap that turns a few bonds costs less. A device takes every term anew, and needs thousands of
 * conformations to be busy.
 */
class OPENMM_EXPORT_GENMD BatchedEnergy : public CandidateEnergy {
public:
    /**
     * Create a BatchedEnergy.
     *
     * @param system       the System. It is read here and not needed afterwards.
     * @param particles    the indices of the particles: whole molecules, in the order in which positions will come
     * @param platform     the platform on whose device energies are evaluated, with its default properties but in
     *                     double precision; none for the host. Throws a std::invalid_argument if it has no kernel for
     *                     this, or if its device cannot be used in double precision.
     */
    BatchedEnergy(const System& system, const std::vector<int>& particles, Platform* platform = nullptr);
    const std::vector<int>& getParticles() const override;
    void evaluate(const std::vector<Vec3>& positions, int count, std::vector<double>& energies) override;
    /**
     * Evaluate energies without copying positions. It may be called by several threads at once.
     *
     * @param positions   count * getParticles().size() * 3 coordinates in nm
     * @param count       the number of conformations
     * @param energies    on exit, the energy of each in kJ/mol
     */
    void evaluate(const double* positions, int count, double* energies) const;
    /** Get the tables from which energies are computed. */
    const BatchedTerms& getTerms() const;
    /** Get the platform on whose device energies are evaluated, or a null pointer. */
    const Platform* getPlatform() const;
    /** Get how many threads share a large batch; 0 means one for each core that this process may use. */
    int getNumThreads() const;
    /** Set how many threads share a large batch. */
    void setNumThreads(int threads);
    /** Get the instruction sets that can be used on this machine, the fastest (the default) first. */
    static std::vector<std::string> getInstructionSets();
    /** Set which instruction set is used: one of getInstructionSets(). */
    void setInstructionSet(const std::string& name);
    /** Get which instruction set is used. */
    std::string getInstructionSet() const;

private:
    BatchedTables getTables() const;
    void evaluateOnHost(const double* positions, int count, double* energies) const;
    int chooseNumThreads(int count) const;
    void evaluateRange(const BatchedTables& tables, const double* positions, int first, int last,
                       double* energies) const;
    BatchedTerms terms;
    std::vector<double> pairFarDistances;
    const BatchedKernel* kernel;
    int numThreads = 0;
    std::shared_ptr<BatchedEnergyDevice> device;
};

} // namespace OpenMM

#endif /*OPENMM_BATCHEDENERGY_H_*/
