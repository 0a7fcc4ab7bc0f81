#ifndef OPENMM_SCHEDULE_H_
#define OPENMM_SCHEDULE_H_

#include "genmd/windowsExportGenMD.h"
#include <vector>

namespace OpenMM {

/**
 * How far a switch has come at which part of its length: a function f of u in [0, 1], given by its values at equally
 * spaced u, with straight lines in between.
 */
class OPENMM_EXPORT_GENMD Schedule {
public:
    /** Create the linear schedule, f(u) = u. */
    Schedule();
    /**
     * Create a schedule from a table. Throws an OpenMMException if it has fewer than two values, one is not finite, the
     * first is not 0 or the last is not 1.
     */
    explicit Schedule(const std::vector<double>& table);
    /** Get f(u). */
    double getValue(double u) const;
    const std::vector<double>& getTable() const {
        return table;
    }
    /**
     * Throw an OpenMMException that names the first violation, unless f(1-u) = 1-f(u): read backwards, the schedule has
     * to be that of the reverse move.
     */
    void requireSymmetric() const;

private:
    std::vector<double> table;
};

} // namespace OpenMM

#endif /*OPENMM_SCHEDULE_H_*/
