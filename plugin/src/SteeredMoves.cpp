#include "SteeredMoves.h"
#include "openmm/OpenMMException.h"

using namespace OpenMM;
using namespace std;

RejectionReason SwitchingMove::leap(SwitchingHost&) {
    throw OpenMMException("This switching protocol has no leap on its way");
}

vector<Vec3> SwitchingMove::getWay(double) const {
    throw OpenMMException("This switching protocol has no way that is given beforehand");
}

MorphMove::MorphMove(const SoftCoordinates& coordinates, double reach) : coordinates(coordinates), reach(reach) {
}

RejectionReason MorphMove::begin(SwitchingHost& host) {
    local = coordinates.localTo(host.particles);
    vector<Vec3> x = host.dynamics.gather(host.particles);
    local.requireWhole(x, host.longestBond);
    JumpProposal proposal = host.propose(x);
    logRatio = proposal.logRatio;
    RejectionReason reason = host.judge(proposal, x);
    if (reason != RejectionReason::None)
        return reason;
    path.reset(new MorphPath(local, x, proposal.positions, host.isVirtual));
    return path->getDisplacement() > reach ? RejectionReason::Terminated : RejectionReason::None;
}

void MorphMove::change(SwitchingHost& host, double progress) {
    host.dynamics.place(host.particles, getWay(progress));
}

vector<Vec3> MorphMove::getWay(double progress) const {
    return path->getPositions(progress);
}

CouplingMove::CouplingMove(const SoftCoordinates& coordinates) : coordinates(coordinates) {
}

/** The proposer sees s, as positions with these values of the coordinates, and never x. */
RejectionReason CouplingMove::begin(SwitchingHost& host) {
    particles = host.particles;
    local = coordinates.localTo(particles);
    coupling.reset(new SoftCoupling(local, host.kT));
    local.removePoints(host.isVirtual); // they follow the others
    vector<Vec3> x = host.dynamics.gather(particles);
    local.requireWhole(x, host.longestBond);
    start = center = coupling->draw(local.measure(x), host.random);
    vector<Vec3> shown = host.dynamics.getWithSites(particles, local.place(start, x));
    JumpProposal proposal = host.propose(shown);
    logRatio = proposal.logRatio;
    RejectionReason reason = host.judge(proposal, shown);
    if (reason != RejectionReason::None)
        return reason;
    MorphPath(local, shown, proposal.positions, host.isVirtual); // throws unless s' is all that was proposed
    step = local.getStep(start, local.measure(proposal.positions));
    host.dynamics.setAddedPotential(this);
    return RejectionReason::None;
}

void CouplingMove::change(SwitchingHost&, double progress) {
    center = local.advance(start, step, progress);
}

double CouplingMove::evaluate(const vector<Vec3>& positions, vector<Vec3>* forces) {
    vector<Vec3> moved;
    for (int particle : particles)
        moved.push_back(positions[particle]);
    if (forces == nullptr)
        return coupling->evaluate(moved, center, nullptr);
    vector<Vec3> added(moved.size());
    double energy = coupling->evaluate(moved, center, &added);
    for (int i = 0; i < (int)particles.size(); i++)
        (*forces)[particles[i]] += added[i];
    return energy;
}
