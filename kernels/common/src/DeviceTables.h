#ifndef OPENMM_GENMD_DEVICETABLES_H_
#define OPENMM_GENMD_DEVICETABLES_H_

#include "genmd/BatchedTerms.h"
#include <map>
#include <string>
#include <vector>

namespace OpenMM {

/**
 * BatchedTerms in two arrays, one of integers and one of numbers. In device code each table has its own name, a macro
 * for the place where it starts in one of the arrays, which are called integers and reals there.
 */
struct DeviceTables {
    explicit DeviceTables(const BatchedTerms& terms);
    std::vector<int> integers;
    std::vector<double> reals;
    std::map<std::string, std::string> defines;

private:
    void add(const std::string& name, const std::vector<int>& table);
    void add(const std::string& name, const std::vector<double>& table);
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_DEVICETABLES_H_*/
