#ifndef OPENMM_STEEREDSWITCHING_H_
#define OPENMM_STEEREDSWITCHING_H_

#include "genmd/SoftCoordinates.h"
#include "genmd/SwitchingProtocol.h"

namespace OpenMM {

/**
 * Drags the leap along the shortest arc of soft coordinates, in increments with MD in between, so that the surroundings
 * make way. In one of two variants:
 *
 * Morph: the particles that the proposer moves, with all to which constraints tie them, are held still but for the
 * increments, along a way from x to y that is given beforehand, and everything else moves. For any proposer.
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
     * coordinates, or if those of the Coupling variant shall superpose.
     *
     * @param coordinates   in terms of particles of the System, all of them moved by the proposer
     */
    SteeredSwitching(const SwitchingSettings& settings, const SoftCoordinates& coordinates, Variant variant);
    const SoftCoordinates& getCoordinates() const {
        return coordinates;
    }
    Variant getVariant() const {
        return variant;
    }
    std::string getName() const;
    JumpProtocol* clone() const;
    void serialize(SerializationNode& node) const;
    static SteeredSwitching* deserialize(const SerializationNode& node);
    SwitchingPlan getPlan() const;
    bool freezesMoved() const {
        return variant == Morph;
    }
    std::unique_ptr<SwitchingMove> createMove() const;

private:
    SoftCoordinates coordinates;
    Variant variant;
};

} // namespace OpenMM

#endif /*OPENMM_STEEREDSWITCHING_H_*/
