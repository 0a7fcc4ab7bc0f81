#ifndef OPENMM_ALCHEMICALSWITCHING_H_
#define OPENMM_ALCHEMICALSWITCHING_H_

#include "genmd/SwitchingProtocol.h"
#include <map>
#include <string>
#include <vector>

namespace OpenMM {

/**
 * Turns interactions off, lets the proposer leap, and turns them on again, with MD in between (nonequilibrium candidate
 * Monte Carlo: Nilmeier, Crooks, Minh and Chodera, PNAS 108, E1009 (2011)).
 *
 * The MD of the switch happens with an alchemical System, whose interactions are scaled by Context parameters. The
 * simulation's MD stays in its own System, and the differences between the two at both ends are part of the work, so
 * that the distribution of the simulation's System is kept whatever the alchemical one is at its end points.
 */
class OPENMM_EXPORT_GENMD AlchemicalSwitching : public SwitchingProtocol {
public:
    /**
     * Create an AlchemicalSwitching. Throws an OpenMMException if the number of blocks is odd, a table has fewer than
     * two values, or the System has no such parameter.
     *
     * @param system       the alchemical System, of which a copy is made
     * @param parameters   for each Context parameter its values at equally spaced progress, from the start to the leap;
     *                     straight lines in between
     */
    AlchemicalSwitching(const SwitchingSettings& settings, const System& system,
                        const std::map<std::string, std::vector<double>>& parameters);
    const System* getSystem() const {
        return system.get();
    }
    const std::map<std::string, std::vector<double>>& getParameters() const {
        return parameters;
    }
    std::string getName() const;
    JumpProtocol* clone() const;
    void serialize(SerializationNode& node) const;
    static AlchemicalSwitching* deserialize(const SerializationNode& node);
    SwitchingPlan getPlan() const;
    std::unique_ptr<SwitchingMove> createMove() const;

private:
    std::shared_ptr<const System> system;
    std::map<std::string, std::vector<double>> parameters;
};

} // namespace OpenMM

#endif /*OPENMM_ALCHEMICALSWITCHING_H_*/
