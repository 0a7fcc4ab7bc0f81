#include "genmd/SteeredSwitching.h"
#include "SteeredMoves.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include <cmath>
#include <limits>

using namespace OpenMM;
using namespace std;

SteeredSwitching::SteeredSwitching(const SwitchingSettings& settings, const SoftCoordinates& coordinates,
                                   Variant variant, shared_ptr<CandidateEnergy> surrogate, double margin)
    : SwitchingProtocol(settings), coordinates(coordinates), variant(variant), surrogate(surrogate), margin(margin),
      reach(numeric_limits<double>::infinity()) {
    settings.schedule.requireSymmetric();
    if (coordinates.isEmpty())
        throw OpenMMException("SteeredSwitching: there are no soft coordinates to drag; expected at least one torsion, "
                              "frame or point");
    coordinates.requireIndependent();
    if (variant == Coupling && coordinates.getSuperposes())
        throw OpenMMException(
            "SteeredSwitching: only the morph variant superposes; in the coupling variant the molecule "
            "finds its own way");
    if (!(margin >= 0 && isfinite(margin)))
        throw OpenMMException("SteeredSwitching: the margin of the surrogate must be zero or positive, got " +
                              to_string(margin));
    if (variant == Coupling && surrogate)
        throw OpenMMException("SteeredSwitching: a surrogate is for the morph variant, whose way is known beforehand");
}

void SteeredSwitching::setReach(double reach) {
    if (!(reach > 0))
        throw OpenMMException("SteeredSwitching: the reach must be positive, got " + to_string(reach));
    if (variant == Coupling && isfinite(reach))
        throw OpenMMException("SteeredSwitching: a reach is for the morph variant, whose way is known beforehand");
    this->reach = reach;
}

string SteeredSwitching::getName() const {
    return "SteeredSwitching";
}

JumpProtocol* SteeredSwitching::clone() const {
    return new SteeredSwitching(*this);
}

/** Block k of n happens at f((k + 1/2)/n), so that the list mirrors itself if f does. */
SwitchingPlan SteeredSwitching::getPlan() const {
    SwitchingPlan plan;
    int blocks = getNumBlocks();
    for (int k = 0; k < blocks; k++) {
        plan.addChange(getSettings().schedule.getValue((k + 0.5) / blocks));
        plan.addPropagate(getSettings().stepsPerChange);
    }
    plan.addChange(1);
    return plan;
}

unique_ptr<SwitchingMove> SteeredSwitching::createMove() const {
    if (variant == Morph)
        return unique_ptr<SwitchingMove>(new MorphMove(coordinates, reach));
    return unique_ptr<SwitchingMove>(new CouplingMove(coordinates));
}

void SteeredSwitching::serialize(SerializationNode& node) const {
    SwitchingProtocol::serialize(node);
    node.setIntProperty("variant", variant);
    surrogate.serialize(node);
    node.setDoubleProperty("surrogateMargin", margin);
    node.setDoubleProperty("reach", isfinite(reach) ? reach : 0.0);
    coordinates.serialize(node.createChildNode("SoftCoordinates"));
}

void SteeredSwitching::perform(JumpEngine& engine) const {
    surrogate.requireFound(getName());
    SwitchingProtocol::perform(engine);
}

SteeredSwitching* SteeredSwitching::deserialize(const SerializationNode& node) {
    SteeredSwitching* protocol = new SteeredSwitching(
        deserializeSettings(node), SoftCoordinates::deserialize(node.getChildNode("SoftCoordinates")),
        static_cast<Variant>(node.getIntProperty("variant")));
    protocol->surrogate = Surrogate::deserialize(node);
    protocol->margin = node.getDoubleProperty("surrogateMargin", 0);
    double reach = node.getDoubleProperty("reach", 0);
    if (reach > 0)
        protocol->reach = reach;
    return protocol;
}
