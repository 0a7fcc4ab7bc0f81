#include "BondedTerms.h"
#include "openmm/CustomAngleForce.h"
#include "openmm/CustomBondForce.h"
#include "openmm/CustomCompoundBondForce.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/CustomTorsionForce.h"
#include "openmm/HarmonicAngleForce.h"
#include "openmm/HarmonicBondForce.h"
#include "openmm/PeriodicTorsionForce.h"
#include "openmm/RBTorsionForce.h"
#include "openmm/TabulatedFunction.h"

using namespace OpenMM;
using namespace std;

namespace {

struct Term {
    vector<int> particles;
    vector<double> parameters;
};

/* For each class of Force: how many terms there are; how one is read, added and changed; what an empty copy is. */

int count(const HarmonicBondForce& force) {
    return force.getNumBonds();
}
void read(const HarmonicBondForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    vector<double>& v = term.parameters;
    p.resize(2);
    v.resize(2);
    force.getBondParameters(i, p[0], p[1], v[0], v[1]);
}
void add(HarmonicBondForce& force, const vector<int>& p, const vector<double>& v) {
    force.addBond(p[0], p[1], v[0], v[1]);
}
void change(HarmonicBondForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setBondParameters(i, p[0], p[1], v[0], v[1]);
}

int count(const HarmonicAngleForce& force) {
    return force.getNumAngles();
}
void read(const HarmonicAngleForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    vector<double>& v = term.parameters;
    p.resize(3);
    v.resize(2);
    force.getAngleParameters(i, p[0], p[1], p[2], v[0], v[1]);
}
void add(HarmonicAngleForce& force, const vector<int>& p, const vector<double>& v) {
    force.addAngle(p[0], p[1], p[2], v[0], v[1]);
}
void change(HarmonicAngleForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setAngleParameters(i, p[0], p[1], p[2], v[0], v[1]);
}

int count(const PeriodicTorsionForce& force) {
    return force.getNumTorsions();
}
void read(const PeriodicTorsionForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    vector<double>& v = term.parameters;
    p.resize(4);
    v.resize(3);
    int periodicity;
    force.getTorsionParameters(i, p[0], p[1], p[2], p[3], periodicity, v[1], v[2]);
    v[0] = periodicity;
}
void add(PeriodicTorsionForce& force, const vector<int>& p, const vector<double>& v) {
    force.addTorsion(p[0], p[1], p[2], p[3], (int)v[0], v[1], v[2]);
}
void change(PeriodicTorsionForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setTorsionParameters(i, p[0], p[1], p[2], p[3], (int)v[0], v[1], v[2]);
}

int count(const RBTorsionForce& force) {
    return force.getNumTorsions();
}
void read(const RBTorsionForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    vector<double>& v = term.parameters;
    p.resize(4);
    v.resize(6);
    force.getTorsionParameters(i, p[0], p[1], p[2], p[3], v[0], v[1], v[2], v[3], v[4], v[5]);
}
void add(RBTorsionForce& force, const vector<int>& p, const vector<double>& v) {
    force.addTorsion(p[0], p[1], p[2], p[3], v[0], v[1], v[2], v[3], v[4], v[5]);
}
void change(RBTorsionForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setTorsionParameters(i, p[0], p[1], p[2], p[3], v[0], v[1], v[2], v[3], v[4], v[5]);
}

int count(const CustomBondForce& force) {
    return force.getNumBonds();
}
void read(const CustomBondForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    p.resize(2);
    force.getBondParameters(i, p[0], p[1], term.parameters);
}
void add(CustomBondForce& force, const vector<int>& p, const vector<double>& v) {
    force.addBond(p[0], p[1], v);
}
void change(CustomBondForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setBondParameters(i, p[0], p[1], v);
}

int count(const CustomAngleForce& force) {
    return force.getNumAngles();
}
void read(const CustomAngleForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    p.resize(3);
    force.getAngleParameters(i, p[0], p[1], p[2], term.parameters);
}
void add(CustomAngleForce& force, const vector<int>& p, const vector<double>& v) {
    force.addAngle(p[0], p[1], p[2], v);
}
void change(CustomAngleForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setAngleParameters(i, p[0], p[1], p[2], v);
}

int count(const CustomTorsionForce& force) {
    return force.getNumTorsions();
}
void read(const CustomTorsionForce& force, int i, Term& term) {
    vector<int>& p = term.particles;
    p.resize(4);
    force.getTorsionParameters(i, p[0], p[1], p[2], p[3], term.parameters);
}
void add(CustomTorsionForce& force, const vector<int>& p, const vector<double>& v) {
    force.addTorsion(p[0], p[1], p[2], p[3], v);
}
void change(CustomTorsionForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setTorsionParameters(i, p[0], p[1], p[2], p[3], v);
}

int count(const CustomCompoundBondForce& force) {
    return force.getNumBonds();
}
void read(const CustomCompoundBondForce& force, int i, Term& term) {
    force.getBondParameters(i, term.particles, term.parameters);
}
void add(CustomCompoundBondForce& force, const vector<int>& p, const vector<double>& v) {
    force.addBond(p, v);
}
void change(CustomCompoundBondForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setBondParameters(i, p, v);
}

int count(const CustomExternalForce& force) {
    return force.getNumParticles();
}
void read(const CustomExternalForce& force, int i, Term& term) {
    term.particles.resize(1);
    force.getParticleParameters(i, term.particles[0], term.parameters);
}
void add(CustomExternalForce& force, const vector<int>& p, const vector<double>& v) {
    force.addParticle(p[0], v);
}
void change(CustomExternalForce& force, int i, const vector<int>& p, const vector<double>& v) {
    force.setParticleParameters(i, p[0], v);
}

template <class Type> void copyGlobalParameters(const Type& original, Type& copy) {
    for (int i = 0; i < original.getNumGlobalParameters(); i++)
        copy.addGlobalParameter(original.getGlobalParameterName(i), original.getGlobalParameterDefaultValue(i));
}

template <class Type> unique_ptr<Type> emptyCopy(const Type& original) {
    return make_unique<Type>();
}
unique_ptr<CustomBondForce> emptyCopy(const CustomBondForce& original) {
    auto copy = make_unique<CustomBondForce>(original.getEnergyFunction());
    for (int i = 0; i < original.getNumPerBondParameters(); i++)
        copy->addPerBondParameter(original.getPerBondParameterName(i));
    copyGlobalParameters(original, *copy);
    return copy;
}
unique_ptr<CustomAngleForce> emptyCopy(const CustomAngleForce& original) {
    auto copy = make_unique<CustomAngleForce>(original.getEnergyFunction());
    for (int i = 0; i < original.getNumPerAngleParameters(); i++)
        copy->addPerAngleParameter(original.getPerAngleParameterName(i));
    copyGlobalParameters(original, *copy);
    return copy;
}
unique_ptr<CustomTorsionForce> emptyCopy(const CustomTorsionForce& original) {
    auto copy = make_unique<CustomTorsionForce>(original.getEnergyFunction());
    for (int i = 0; i < original.getNumPerTorsionParameters(); i++)
        copy->addPerTorsionParameter(original.getPerTorsionParameterName(i));
    copyGlobalParameters(original, *copy);
    return copy;
}
unique_ptr<CustomCompoundBondForce> emptyCopy(const CustomCompoundBondForce& original) {
    auto copy = make_unique<CustomCompoundBondForce>(original.getNumParticlesPerBond(), original.getEnergyFunction());
    for (int i = 0; i < original.getNumPerBondParameters(); i++)
        copy->addPerBondParameter(original.getPerBondParameterName(i));
    for (int i = 0; i < original.getNumTabulatedFunctions(); i++)
        copy->addTabulatedFunction(original.getTabulatedFunctionName(i), original.getTabulatedFunction(i).Copy());
    copyGlobalParameters(original, *copy);
    return copy;
}
unique_ptr<CustomExternalForce> emptyCopy(const CustomExternalForce& original) {
    auto copy = make_unique<CustomExternalForce>(original.getEnergyFunction());
    for (int i = 0; i < original.getNumPerParticleParameters(); i++)
        copy->addPerParticleParameter(original.getPerParticleParameterName(i));
    copyGlobalParameters(original, *copy);
    return copy;
}

template <class Type> void copyPeriodicity(const Type& original, Type& copy) {
    copy.setUsesPeriodicBoundaryConditions(original.usesPeriodicBoundaryConditions());
}
/** A well is periodic if its formula says so. */
void copyPeriodicity(const CustomExternalForce& original, CustomExternalForce& copy) {
}

template <class Type> class TermsOf : public BondedTerms {
public:
    explicit TermsOf(const Type& original) : original(original), owned(emptyCopy(original)), copy(owned.get()) {
        copyPeriodicity(original, *copy);
    }
    int getNumTerms() const {
        return count(original);
    }
    const vector<int>& getParticles(int term) {
        read(original, term, scratch);
        return scratch.particles;
    }
    void add(int term, const vector<int>& particles) {
        read(original, term, scratch);
        ::add(*copy, particles, scratch.parameters);
        indices.push_back(term);
        copied.push_back({particles, scratch.parameters});
    }
    Force* release() {
        return indices.empty() ? nullptr : owned.release();
    }
    void synchronize(Context& context) {
        bool changed = false;
        for (int i = 0; i < (int)indices.size(); i++) {
            read(original, indices[i], scratch);
            if (scratch.parameters == copied[i].parameters)
                continue;
            copied[i].parameters = scratch.parameters;
            change(*copy, i, copied[i].particles, scratch.parameters);
            changed = true;
        }
        if (changed)
            copy->updateParametersInContext(context);
    }

private:
    const Type& original;
    unique_ptr<Type> owned;
    Type* copy;
    vector<int> indices;
    vector<Term> copied;
    Term scratch;
};

template <class Type, class... Others> unique_ptr<BondedTerms> createOneOf(const Force& force) {
    if (const Type* typed = dynamic_cast<const Type*>(&force))
        return make_unique<TermsOf<Type>>(*typed);
    if constexpr (sizeof...(Others) > 0)
        return createOneOf<Others...>(force);
    return nullptr;
}

} // namespace

BondedTerms::~BondedTerms() {
}

unique_ptr<BondedTerms> BondedTerms::create(const Force& original) {
    return createOneOf<HarmonicBondForce, HarmonicAngleForce, PeriodicTorsionForce, RBTorsionForce, CustomBondForce,
                       CustomAngleForce, CustomTorsionForce, CustomCompoundBondForce, CustomExternalForce>(original);
}
