#include "Testing.h"
#include "genmd/BondedForces.h"
#include "openmm/CMAPTorsionForce.h"
#include "openmm/Context.h"
#include "openmm/CustomAngleForce.h"
#include "openmm/CustomBondForce.h"
#include "openmm/CustomCVForce.h"
#include "openmm/CustomCompoundBondForce.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/CustomTorsionForce.h"
#include "openmm/HarmonicAngleForce.h"
#include "openmm/HarmonicBondForce.h"
#include "openmm/NonbondedForce.h"
#include "openmm/PeriodicTorsionForce.h"
#include "openmm/RBTorsionForce.h"
#include "openmm/TabulatedFunction.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/VirtualSite.h"
#include <memory>

using namespace OpenMM;
using namespace std;

static const int NUM_PARTICLES = 10;

/** Shows the ContextImpl that it belongs to. */
class Holder : public VerletIntegrator {
public:
    Holder() : VerletIntegrator(0.001) {
    }
    ContextImpl& getContextImpl() {
        return *context;
    }
};

/** A chain of particles with bonded terms of every kind, in a triclinic box; particle 9 has a well only. */
static void buildSystem(System& system, bool periodic) {
    auto* bonds = new HarmonicBondForce();
    auto* angles = new HarmonicAngleForce();
    auto* torsions = new PeriodicTorsionForce();
    auto* rb = new RBTorsionForce();
    auto* customBonds = new CustomBondForce("stiffness*k*(r-0.1)^2+r^4");
    auto* customAngles = new CustomAngleForce("k*(cos(theta)-c)^2");
    auto* customTorsions = new CustomTorsionForce("k*min(dtheta, 6.3-dtheta)^2; dtheta=abs(theta-theta0)");
    auto* compound = new CustomCompoundBondForce(3, "k*table(distance(p1,p2))*angle(p1,p2,p3)+x1*y2");
    auto* wells = new CustomExternalForce(periodic ? "k*periodicdistance(x,y,z,x0,0,0)^2" : "k*((x-x0)^2+y^2*z)");
    for (int i = 0; i < NUM_PARTICLES; i++)
        system.addParticle(1.0 + i);
    customBonds->addPerBondParameter("k");
    customBonds->addGlobalParameter("stiffness", 3.0);
    customAngles->addPerAngleParameter("k");
    customAngles->addGlobalParameter("c", 0.2);
    customTorsions->addPerTorsionParameter("k");
    customTorsions->addPerTorsionParameter("theta0");
    compound->addPerBondParameter("k");
    compound->addTabulatedFunction("table", new Continuous1DFunction({0.0, 1.0, 3.0, 4.0, 6.0}, 0.0, 8.0));
    wells->addPerParticleParameter("k");
    wells->addPerParticleParameter("x0");
    for (int i = 0; i < NUM_PARTICLES - 2; i++) {
        bonds->addBond(i, i + 1, 0.1 + 0.01 * i, 1000 + 100 * i);
        customBonds->addBond(i, i + 1, {10.0 + i});
    }
    for (int i = 0; i < NUM_PARTICLES - 3; i++) {
        angles->addAngle(i, i + 1, i + 2, 1.5 + 0.1 * i, 50 + i);
        customAngles->addAngle(i, i + 1, i + 2, {5.0 + i});
        compound->addBond({i, i + 2, i + 1}, {2.0 + i});
    }
    for (int i = 0; i < NUM_PARTICLES - 4; i++) {
        torsions->addTorsion(i, i + 1, i + 2, i + 3, 1 + i % 3, 0.3 * i, 4.0 + i);
        rb->addTorsion(i, i + 1, i + 2, i + 3, 1.0, 2.0, -1.0, 0.5 * i, 0.3, 0.2);
        customTorsions->addTorsion(i, i + 1, i + 2, i + 3, {3.0, 0.4 * i});
    }
    for (int i = 0; i < NUM_PARTICLES; i++)
        wells->addParticle(i, {20.0 + i, 0.1 * i});
    system.setDefaultPeriodicBoxVectors(Vec3(2, 0, 0), Vec3(0.5, 2, 0), Vec3(-0.5, 0.4, 2));
    vector<Force*> forces = {bonds, angles, torsions, rb, customBonds, customAngles, customTorsions, compound, wells};
    bonds->setUsesPeriodicBoundaryConditions(periodic);
    angles->setUsesPeriodicBoundaryConditions(periodic);
    torsions->setUsesPeriodicBoundaryConditions(periodic);
    rb->setUsesPeriodicBoundaryConditions(periodic);
    customBonds->setUsesPeriodicBoundaryConditions(periodic);
    customAngles->setUsesPeriodicBoundaryConditions(periodic);
    customTorsions->setUsesPeriodicBoundaryConditions(periodic);
    compound->setUsesPeriodicBoundaryConditions(periodic);
    for (Force* force : forces)
        system.addForce(force);
}

/** A crooked chain; in a periodic box its particles lie in different images. */
static vector<Vec3> makePositions(const Vec3* box) {
    vector<Vec3> positions;
    for (int i = 0; i < NUM_PARTICLES; i++) {
        positions.push_back(Vec3(0.08 * i, 0.05 * (i % 2) + 0.01 * i * i, 0.06 * (i % 3)));
        if (box != nullptr)
            positions[i] += box[i % 3] * (i % 4 - 1);
    }
    return positions;
}

static vector<Vec3> displace(vector<Vec3> positions, const vector<int>& particles) {
    for (int i : particles)
        positions[i] += Vec3(0.001 * (i + 1), -0.002 * i, 0.0015 * (i % 2));
    return positions;
}

static vector<Vec3> select(const vector<Vec3>& all, const vector<int>& particles) {
    vector<Vec3> selected;
    for (int i : particles)
        selected.push_back(all[i]);
    return selected;
}

/** Compare with all forces of the groups, for the particles in question. */
static void assertAgrees(Context& context, ContextImpl& impl, BondedForces& bonded, const vector<int>& particles,
                         const vector<Vec3>& positions) {
    vector<Vec3> moved = displace(positions, particles), change;
    auto forcesAt = [&](const vector<Vec3>& where) {
        context.setPositions(where);
        return context.getState(State::Forces, false, bonded.getGroups()).getForces();
    };
    vector<Vec3> before = forcesAt(positions), after = forcesAt(moved);
    bonded.computeChange(impl, select(positions, bonded.getParticles()), select(moved, bonded.getParticles()), change);
    ASSERT_EQUAL(bonded.getParticles().size(), change.size());
    double largest = 0;
    for (int i = 0; i < (int)particles.size(); i++) {
        ASSERT_EQUAL(particles[i], bonded.getParticles()[i]);
        Vec3 expected = after[particles[i]] - before[particles[i]];
        ASSERT_EQUAL_VEC(expected, change[i], 1e-9);
        largest = max(largest, sqrt(expected.dot(expected)));
    }
    ASSERT(largest > 0.1);
}

static void testAgreesWithTheWholeSystem() {
    for (bool periodic : {false, true}) {
        System system;
        buildSystem(system, periodic);
        Holder integrator;
        Context context(system, integrator, Platform::getPlatformByName("Reference"));
        Vec3 box[3];
        system.getDefaultPeriodicBoxVectors(box[0], box[1], box[2]);
        vector<Vec3> positions = makePositions(periodic ? box : nullptr);
        for (vector<int> particles : vector<vector<int>>{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {4, 3, 5}, {9}}) {
            BondedForces bonded(system, particles, -1);
            ASSERT(bonded.isComplete());
            assertAgrees(context, integrator.getContextImpl(), bonded, particles, positions);
        }
        ASSERT_EQUAL(1, BondedForces(system, {9}, -1).getParticles().size());
        // Torsions reach three particles to either side.
        ASSERT_EQUAL(9, BondedForces(system, {4, 3, 5}, -1).getParticles().size());
    }
}

/** Parameters that change during a simulation: of terms, of the Context, and the box. */
static void testParametersOfTheMoment() {
    System system;
    buildSystem(system, true);
    Holder integrator;
    Context context(system, integrator, Platform::getPlatformByName("Reference"));
    Vec3 box[3];
    system.getDefaultPeriodicBoxVectors(box[0], box[1], box[2]);
    vector<int> particles = {2, 3};
    BondedForces bonded(system, particles, -1);
    assertAgrees(context, integrator.getContextImpl(), bonded, particles, makePositions(box));
    auto& bonds = dynamic_cast<HarmonicBondForce&>(system.getForce(0));
    auto& wells = dynamic_cast<CustomExternalForce&>(system.getForce(8));
    bonds.setBondParameters(2, 2, 3, 0.2, 5000.0);
    bonds.updateParametersInContext(context);
    wells.setParticleParameters(3, 3, {777.0, -0.5});
    wells.updateParametersInContext(context);
    assertAgrees(context, integrator.getContextImpl(), bonded, particles, makePositions(box));
    context.setParameter("stiffness", 50.0);
    context.setParameter("c", -0.3);
    assertAgrees(context, integrator.getContextImpl(), bonded, particles, makePositions(box));
    box[0] *= 1.1;
    context.setPeriodicBoxVectors(box[0], box[1], box[2]);
    assertAgrees(context, integrator.getContextImpl(), bonded, particles, makePositions(box));
}

/** Terms of force groups that are not integrated do not count. */
static void testForceGroups() {
    System system;
    buildSystem(system, false);
    for (int i = 0; i < system.getNumForces(); i++)
        system.getForce(i).setForceGroup(i % 3);
    system.addForce(new CustomCVForce("0"));
    system.getForce(9).setForceGroup(31);
    Holder integrator;
    Context context(system, integrator, Platform::getPlatformByName("Reference"));
    for (int groups : {1, 2, 4, 6}) {
        BondedForces bonded(system, {5, 6}, groups);
        ASSERT(bonded.isComplete());
        ASSERT_EQUAL(groups, bonded.getGroups());
        assertAgrees(context, integrator.getContextImpl(), bonded, {5, 6}, makePositions(nullptr));
    }
    ASSERT(!BondedForces(system, {5, 6}, -1).isComplete());
}

/** Soft forces are left out, and change nothing; a term on a virtual site, or an unknown force, cannot be. */
static void testWhatIsComplete() {
    System system;
    for (int i = 0; i < 4; i++)
        system.addParticle(i == 3 ? 0.0 : 1.0);
    system.setVirtualSite(3, new TwoParticleAverageSite(0, 1, 0.5, 0.5));
    NonbondedForce* nonbonded = new NonbondedForce();
    for (int i = 0; i < 4; i++)
        nonbonded->addParticle(1.0, 0.3, 1.0);
    system.addForce(nonbonded);
    system.addForce(new CMAPTorsionForce());
    HarmonicBondForce* bonds = new HarmonicBondForce();
    system.addForce(bonds);
    Holder integrator;
    Context context(system, integrator, Platform::getPlatformByName("Reference"));
    vector<Vec3> change, positions = {Vec3(), Vec3(0.1, 0, 0), Vec3(0, 0.1, 0)};
    BondedForces soft(system, {0, 1, 2}, -1);
    ASSERT(soft.isComplete());
    soft.computeChange(integrator.getContextImpl(), positions, {Vec3(), Vec3(), Vec3()}, change);
    ASSERT_EQUAL(3, change.size());
    ASSERT_EQUAL_VEC(Vec3(), change[1], 0.0);
    bonds->addBond(2, 3, 0.1, 100.0);
    ASSERT(BondedForces(system, {0, 1}, -1).isComplete());
    ASSERT(!BondedForces(system, {0, 1, 2}, -1).isComplete());
    bonds->setBondParameters(0, 1, 2, 0.1, 100.0);
    ASSERT(BondedForces(system, {0, 1, 2}, -1).isComplete());
    system.addForce(new CustomCVForce("0"));
    ASSERT(!BondedForces(system, {0}, -1).isComplete());
}

int main() {
    return runTests([] {
        testAgreesWithTheWholeSystem();
        testParametersOfTheMoment();
        testForceGroups();
        testWhatIsComplete();
    });
}
