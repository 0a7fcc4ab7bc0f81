#include "genmd/SteeredSwitching.h"
#include "SteeredMoves.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"

using namespace OpenMM;
using namespace std;

SteeredSwitching::SteeredSwitching(const SwitchingSettings& settings, const SoftCoordinates& coordinates,
                                   Variant variant)
    : SwitchingProtocol(settings), coordinates(coordinates), variant(variant) {
    settings.schedule.requireSymmetric();
    if (coordinates.isEmpty())
        throw OpenMMException("SteeredSwitching: there are no soft coordinates to drag; expected at least one torsion, "
                              "frame or point");
    coordinates.requireIndependent();
    if (variant == Coupling && coordinates.getSuperposes())
        throw OpenMMException(
            "SteeredSwitching: only the morph variant superposes; in the coupling variant the molecule "
            "finds its own way");
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
        return unique_ptr<SwitchingMove>(new MorphMove(coordinates));
    return unique_ptr<SwitchingMove>(new CouplingMove(coordinates));
}

void SteeredSwitching::serialize(SerializationNode& node) const {
    SwitchingProtocol::serialize(node);
    node.setIntProperty("variant", variant);
    coordinates.serialize(node.createChildNode("SoftCoordinates"));
}

SteeredSwitching* SteeredSwitching::deserialize(const SerializationNode& node) {
    return new SteeredSwitching(deserializeSettings(node),
                                SoftCoordinates::deserialize(node.getChildNode("SoftCoordinates")),
                                static_cast<Variant>(node.getIntProperty("variant")));
}
