#ifndef OPENMM_STEEREDSWITCHING_H_
#define OPENMM_STEEREDSWITCHING_H_

#include "genmd/SoftCoordinates.h"
#include "genmd/Surrogate.h"
#include "genmd/SwitchingProtocol.h"

namespace OpenMM {

/**
 * Drags the leap along the shortest arc of soft coordinates, in increments with MD in between, so that the surroundings
 * make way. In one of two variants:
 *
 * Morph: the particles that the proposer moves, with all to which constraints tie them, are held still but for the
 * increments, along a way from x to y that is given beforehand, and everything else moves. For any proposer. With a
 * surrogate V of what moves, a leap is first accepted with min(1, exp(-[V(y)-V(x)]/kT + log ratio + margin)), so that
 * hopeless ones cost no switch, and the limit of the partial work is for what is above the change of V. The Boltzmann
 * distribution of the simulation is kept whatever V is (docs/theory.md, section 11).
 *
 * Coupling: everything is free. A center s is drawn around the coordinates xi(x) from a normal distribution, the
 * proposer proposes s' from s, and springs kT/2 |xi - s|^2/width^2 drag the coordinates from s to s', where s' is
 * forgotten. Since s is drawn from what the springs weigh it with, turning them on and off is no work. For proposers
 * whose density depends on the soft coordinates alone.
 */
class OPENMM_EXPORT_GENMD SteeredSwitching : public SwitchingProtocol {
public:
    enum Variant { Morph = 0, Coupling = 1 };
    /**
     * Create a SteeredSwitching. Throws an OpenMMException if the schedule is not symmetric, if there are no
     * coordinates, if the Coupling variant shall superpose or gets a surrogate, or if the margin is negative.
     *
     * @param coordinates   in terms of particles of the System, all of them moved by the proposer
     * @param surrogate     evaluates V, or null
     * @param margin        in kT: leaps that V is against by less are not left to chance
     */
    SteeredSwitching(const SwitchingSettings& settings, const SoftCoordinates& coordinates, Variant variant,
                     std::shared_ptr<CandidateEnergy> surrogate = nullptr, double margin = 0);
    /**
     * Set how far, in nm, a leap of the Morph variant may displace the moved particles, as a root mean square between
     * the ends of the way: a longer one ends, rejected, before its switch. The default is infinity. Throws an
     * OpenMMException if it is not positive, or finite for the Coupling variant.
     */
    void setReach(double reach);
    double getReach() const {
        return reach;
    }
    const SoftCoordinates& getCoordinates() const {
        return coordinates;
    }
    Variant getVariant() const {
        return variant;
    }
    std::shared_ptr<CandidateEnergy> getSurrogate() const {
        return surrogate.getEnergy();
    }
    double getSurrogateMargin() const {
        return margin;
    }
    std::string getName() const;
    JumpProtocol* clone() const;
    void serialize(SerializationNode& node) const;
    void perform(JumpEngine& engine) const;
    static SteeredSwitching* deserialize(const SerializationNode& node);
    SwitchingPlan getPlan() const;
    bool freezesMoved() const {
        return variant == Morph;
    }
    std::unique_ptr<SwitchingMove> createMove() const;

private:
    SoftCoordinates coordinates;
    Variant variant;
    Surrogate surrogate;
    double margin, reach;
};

} // namespace OpenMM

#endif /*OPENMM_STEEREDSWITCHING_H_*/
