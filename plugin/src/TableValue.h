#ifndef OPENMM_TABLEVALUE_H_
#define OPENMM_TABLEVALUE_H_

#include <algorithm>
#include <vector>

/** Get the value at u of a function given at equally spaced points of [0, 1], two or more, with straight lines between.
 */
inline double getTableValue(const std::vector<double>& table, double u) {
    double place = std::min(std::max(u, 0.0), 1.0) * (table.size() - 1);
    int left = std::min((int)place, (int)table.size() - 2);
    return table[left] + (place - left) * (table[left + 1] - table[left]);
}

#endif /*OPENMM_TABLEVALUE_H_*/
