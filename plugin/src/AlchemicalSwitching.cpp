#include "genmd/AlchemicalSwitching.h"
#include "SwitchingMove.h"
#include "TableValue.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include "openmm/serialization/XmlSerializer.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

namespace {

typedef map<string, vector<double>> Tables;

/** Sets Context parameters, and leaps in the middle. */
class AlchemicalMove : public SwitchingMove {
public:
    explicit AlchemicalMove(const Tables& parameters) : parameters(parameters) {
    }
    void rest(SwitchingHost& host) {
        for (auto& [name, table] : parameters)
            if (!host.dynamics.hasParameter(name))
                throw OpenMMException("AlchemicalSwitching: the alchemical System has no Context parameter '" + name +
                                      "'");
        change(host, 0);
    }
    RejectionReason begin(SwitchingHost&) {
        return RejectionReason::None;
    }
    void change(SwitchingHost& host, double progress) {
        for (auto& [name, table] : parameters)
            host.dynamics.setParameter(name, getTableValue(table, progress));
    }
    /** The ratio is taken here, at the configurations just before and after the leap. */
    RejectionReason leap(SwitchingHost& host) {
        vector<Vec3> here = host.dynamics.gather(host.particles);
        JumpProposal proposal = host.propose(here);
        logRatio = proposal.logRatio;
        RejectionReason reason = host.judge(proposal, here);
        if (reason != RejectionReason::None)
            return reason;
        // What velocities have along constraints has no meaning, and must not become motion after the leap.
        host.dynamics.projectVelocities();
        host.dynamics.place(host.particles, proposal.positions);
        // Constraints point elsewhere now; fresh velocities are as likely on the way back.
        host.dynamics.refreshVelocities(host.tied);
        return RejectionReason::None;
    }

private:
    Tables parameters;
};

} // namespace

AlchemicalSwitching::AlchemicalSwitching(const SwitchingSettings& settings, const System& alchemical,
                                         const Tables& parameters)
    : SwitchingProtocol(settings), system(XmlSerializer::clone<System>(alchemical)), parameters(parameters) {
    if (getNumBlocks() % 2 != 0)
        throw OpenMMException("AlchemicalSwitching: the leap is in the middle, so that the number of changes (steps "
                              "divided by steps per change) must be even, got " +
                              to_string(getNumBlocks()));
    if (parameters.empty())
        throw OpenMMException("AlchemicalSwitching: there are no Context parameters to switch");
    for (auto& [name, table] : parameters)
        if (table.size() < 2 || any_of(table.begin(), table.end(), [](double value) { return !isfinite(value); }))
            throw OpenMMException("AlchemicalSwitching: parameter '" + name +
                                  "' needs at least two finite values, from the start to the leap");
}

string AlchemicalSwitching::getName() const {
    return "AlchemicalSwitching";
}

JumpProtocol* AlchemicalSwitching::clone() const {
    return new AlchemicalSwitching(*this);
}

/** [change, MD] x n/2, leap, [MD, change] x n/2: the second half mirrors the first. */
SwitchingPlan AlchemicalSwitching::getPlan() const {
    SwitchingPlan plan;
    int half = getNumBlocks() / 2, steps = getSettings().stepsPerChange;
    auto progress = [&](int k) {
        return getSettings().schedule.getValue((double)k / half);
    };
    for (int k = 1; k <= half; k++) {
        plan.addChange(progress(k));
        plan.addPropagate(steps);
    }
    plan.addLeap();
    for (int k = half; k >= 1; k--) {
        plan.addPropagate(steps);
        plan.addChange(progress(k - 1));
    }
    return plan;
}

unique_ptr<SwitchingMove> AlchemicalSwitching::createMove() const {
    return unique_ptr<SwitchingMove>(new AlchemicalMove(parameters));
}

void AlchemicalSwitching::serialize(SerializationNode& node) const {
    SwitchingProtocol::serialize(node);
    node.createChildNode("AlchemicalSystem", system.get());
    SerializationNode& list = node.createChildNode("Parameters");
    for (auto& [name, table] : parameters) {
        SerializationNode& child = list.createChildNode("Parameter");
        child.setStringProperty("name", name);
        for (double value : table)
            child.createChildNode("Value").setDoubleProperty("at", value);
    }
}

AlchemicalSwitching* AlchemicalSwitching::deserialize(const SerializationNode& node) {
    Tables parameters;
    for (const SerializationNode& child : node.getChildNode("Parameters").getChildren()) {
        vector<double>& table = parameters[child.getStringProperty("name")];
        for (const SerializationNode& value : child.getChildren())
            table.push_back(value.getDoubleProperty("at"));
    }
    unique_ptr<System> system(node.getChildNode("AlchemicalSystem").decodeObject<System>());
    return new AlchemicalSwitching(deserializeSettings(node), *system, parameters);
}
