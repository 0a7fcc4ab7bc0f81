#include "genmd/BondedForces.h"
#include "BondedTerms.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/CMAPTorsionForce.h"
#include "openmm/CMMotionRemover.h"
#include "openmm/Context.h"
#include "openmm/CustomGBForce.h"
#include "openmm/CustomNonbondedForce.h"
#include "openmm/GBSAOBCForce.h"
#include "openmm/MonteCarloAnisotropicBarostat.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/MonteCarloFlexibleBarostat.h"
#include "openmm/MonteCarloMembraneBarostat.h"
#include "openmm/NonbondedForce.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/internal/ContextImpl.h"

using namespace OpenMM;
using namespace std;

namespace {

/** An Integrator that is never stepped, and shows what it belongs to. */
class Holder : public VerletIntegrator {
public:
    Holder() : VerletIntegrator(0.001) {
    }
    ContextImpl& getContextImpl() {
        return *context;
    }
};

} // namespace

class BondedForces::SmallContext {
public:
    explicit SmallContext(const System& system) : context(system, holder, Platform::getPlatformByName("Reference")) {
    }
    Context& get() {
        return context;
    }
    void computeForces(const vector<Vec3>& positions, vector<Vec3>& forces) {
        holder.getContextImpl().setPositions(positions);
        holder.getContextImpl().calcForcesAndEnergy(true, false);
        holder.getContextImpl().getForces(forces);
    }

private:
    Holder holder;
    Context context;
};

template <class... Types> static bool isOneOf(const Force& force) {
    return (... || (dynamic_cast<const Types*>(&force) != nullptr));
}

/** Whether a Force is known to have little curvature, or none. */
static bool isSoft(const Force& force) {
    return isOneOf<NonbondedForce, CustomNonbondedForce, GBSAOBCForce, CustomGBForce, CMAPTorsionForce, CMMotionRemover,
                   AndersenThermostat, MonteCarloBarostat, MonteCarloAnisotropicBarostat, MonteCarloMembraneBarostat,
                   MonteCarloFlexibleBarostat>(force);
}

BondedForces::BondedForces(const System& system, const vector<int>& particles, int groups)
    : system(system), particles(particles), local(system.getNumParticles(), -1), groups(groups), complete(true) {
    vector<bool> wanted(system.getNumParticles(), false);
    for (int i = 0; i < (int)particles.size(); i++) {
        wanted[particles[i]] = true;
        local[particles[i]] = i;
    }
    for (int i = 0; i < system.getNumForces(); i++)
        if (((groups >> system.getForce(i).getForceGroup()) & 1) != 0 && !isSoft(system.getForce(i)))
            addTerms(system.getForce(i), wanted);
    for (int i = 0; i < (int)this->particles.size(); i++)
        small.addParticle(1.0);
}

BondedForces::~BondedForces() {
}

void BondedForces::addTerms(const Force& force, const vector<bool>& wanted) {
    unique_ptr<BondedTerms> copy = BondedTerms::create(force);
    if (!copy) {
        complete = false;
        return;
    }
    for (int term = 0; term < copy->getNumTerms(); term++) {
        vector<int> members = copy->getParticles(term);
        bool counts = false;
        for (int particle : members)
            counts = counts || wanted[particle];
        if (!counts)
            continue;
        for (int& particle : members) {
            complete = complete && !system.isVirtualSite(particle);
            if (local[particle] == -1) {
                local[particle] = particles.size();
                particles.push_back(particle);
            }
            particle = local[particle];
        }
        copy->add(term, members);
    }
    Force* released = copy->release();
    if (released == nullptr)
        return;
    small.addForce(released);
    terms.push_back(move(copy));
}

bool BondedForces::isComplete() const {
    return complete;
}

int BondedForces::getGroups() const {
    return groups;
}

const vector<int>& BondedForces::getParticles() const {
    return particles;
}

/** Let the small Context have the parameters and the box of the simulation. */
void BondedForces::synchronize(ContextImpl& simulation) {
    if (!context)
        context.reset(new SmallContext(small));
    for (unique_ptr<BondedTerms>& copy : terms)
        copy->synchronize(context->get());
    for (const auto& parameter : context->get().getParameters())
        context->get().setParameter(parameter.first, simulation.getParameter(parameter.first));
    if (!small.usesPeriodicBoundaryConditions())
        return;
    Vec3 box[3];
    simulation.getPeriodicBoxVectors(box[0], box[1], box[2]);
    context->get().setPeriodicBoxVectors(box[0], box[1], box[2]);
}

void BondedForces::computeChange(ContextImpl& simulation, const vector<Vec3>& positions, const vector<Vec3>& displaced,
                                 vector<Vec3>& change) {
    change.assign(particles.size(), Vec3());
    if (terms.empty())
        return;
    synchronize(simulation);
    context->computeForces(displaced, change);
    context->computeForces(positions, before);
    for (int i = 0; i < (int)change.size(); i++)
        change[i] -= before[i];
}
