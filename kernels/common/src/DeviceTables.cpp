#include "DeviceTables.h"

using namespace OpenMM;
using namespace std;

DeviceTables::DeviceTables(const BatchedTerms& terms) {
    defines["NUM_PARTICLES"] = to_string(terms.particles.size());
    defines["NUM_BONDS"] = to_string(terms.bondAtoms.size() / 2);
    defines["NUM_ANGLES"] = to_string(terms.angleAtoms.size() / 3);
    defines["NUM_TORSIONS"] = to_string(terms.torsionAtoms.size() / 4);
    defines["NUM_CMAPS"] = to_string(terms.cmapSizes.size());
    if (terms.hasPairs)
        defines["HAS_PAIRS"] = "";
    if (terms.hasBorn)
        defines["HAS_BORN"] = "";
    add("BOND_ATOMS", terms.bondAtoms);
    add("ANGLE_ATOMS", terms.angleAtoms);
    add("TORSION_ATOMS", terms.torsionAtoms);
    add("TORSION_STARTS", terms.torsionStarts);
    add("CMAP_ATOMS", terms.cmapAtoms);
    add("CMAP_SIZES", terms.cmapSizes);
    add("CMAP_STARTS", terms.cmapStarts);
    add("CONSTANT_ENERGY", vector<double>{terms.constantEnergy});
    add("BOND_PARAMETERS", terms.bondParameters);
    add("ANGLE_PARAMETERS", terms.angleParameters);
    add("TORSION_COSINES", terms.torsionCosines);
    add("TORSION_SINES", terms.torsionSines);
    add("CMAP_COEFFICIENTS", terms.cmapCoefficients);
    add("PAIR_COULOMB", terms.pairCoulomb);
    add("PAIR_REPULSION", terms.pairRepulsion);
    add("PAIR_ATTRACTION", terms.pairAttraction);
    add("BORN_RADII", terms.bornRadii);
    add("BORN_OFFSET_RADII", terms.bornOffsetRadii);
    add("BORN_SCALED_RADII", terms.bornScaledRadii);
    add("BORN_CHARGES", terms.bornCharges);
    add("BORN_SURFACE", terms.bornSurface);
    add("BORN_SIGN", vector<double>{terms.bornSign});
    integers.push_back(0); // an array of a device has at least one element
}

void DeviceTables::add(const string& name, const vector<int>& table) {
    defines[name] = "(integers + " + to_string(integers.size()) + ")";
    integers.insert(integers.end(), table.begin(), table.end());
}

void DeviceTables::add(const string& name, const vector<double>& table) {
    defines[name] = "(reals + " + to_string(reals.size()) + ")";
    reals.insert(reals.end(), table.begin(), table.end());
}
